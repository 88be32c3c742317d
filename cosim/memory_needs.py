"""How much memory nodes need at most, found from the prices of phases before anything runs.

An analytic run would tell what nodes hold in one order of events. A limit must hold in any: fading decides who is at a
server together with whom. So a node's need is what it holds when all courses that may be there are, each in the phase
in which it holds most, and as many of them computed as its processor takes at a time. It is never below what a run
comes to hold, and costs no more than the prices that a run asks for anyway.

Where a deadline cuts courses short, what they have left at servers counts beside the next: that of one round, unless a
server takes longer for it than until the next deadline. Then it may be that of all rounds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import nlargest
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

from cosim.nodes import Edge, Node, Role, User
from cosim.schemes.places import Place
from cosim.visits import Visit, Visits
from training.adapters import Part

if TYPE_CHECKING:
    from cosim.schemes.packing import Packing
    from cosim.schemes.places import Course, Load
    from cosim.world import World
    from training.adapters import Ranks
    from training.learning import Learning
    from training.steps import Shape

_KEYS: dict[Role, str] = {"user": "users.memory", "edge": "edges.memory", "cloud": "cloud.memory"}
_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


class MemoryNeeds:
    """Speaks for the prices of phases in terms of nodes."""

    def __init__(self, world: World, learning: Learning, packing: Packing) -> None:
        self._world = world
        self._learning = learning
        self._packing = packing
        self._visits = Visits(world.network, learning, packing.compressors)
        self._shapes: dict[User, tuple[Shape, ...]] = {}

    def of(self, load: Load) -> dict[Node, int]:
        """Bytes that each node with anything to do needs at most."""
        needs = self._working(load)
        for node, places in _by_node(load.places).items():
            needs[node] += self._resident(places)
            if node is not load.hub:
                needs[node] += self._largest(place for place in places if place.part in load.exchanged)
        if load.hub is not None:
            needs[load.hub] += self._collected(load)
        for node, nbytes in load.beside.items():
            needs[node] += nbytes
        return needs

    def shortage(self, load: Load) -> str:
        """Which node needs how much more than it has, in one line; nothing if all have memory enough.

        Of several it is the one that is furthest beyond its limit.
        """
        lacking = {node: need for node, need in self.of(load).items() if need > limit_of(node)}
        if not lacking:
            return ""
        worst = max(lacking, key=lambda node: lacking[node] / limit_of(node))
        others = len(lacking) - 1
        too = f"; {others} more {'has' if others == 1 else 'have'} too little" if others else ""
        need, limit = _written(lacking[worst]), _written(limit_of(worst))
        return f"{worst.name} needs {need} of memory and has {limit} ({_KEYS[worst.role]}){too}"

    def alone(self, place: Place, user: User) -> int:
        """Bytes that ``place`` needs where its node does nothing else than mini-batches of ``user``."""
        visit = self._visits.at(place.part, place.ranks, self._shapes_of(user))
        return self._resident([place]) + self._largest([place]) + max(visit.rests, visit.computed)

    def fits(self, place: Place, user: User) -> bool:
        """Whether its node has memory for that."""
        return self.alone(place, user) <= limit_of(place.node)

    def most_blocks(self, user: User, ranks: Ranks | None = None) -> int:
        """The deepest cut that leaves ``user`` no more than it has memory for; 0 if even one block is too much."""
        cuts = range(1, self._learning.blocks)
        places = [Place(user, Part(first=0, last=cut), ranks, user.name) for cut in cuts]
        return bisect_right(places, limit_of(user), key=lambda place: self.alone(place, user))

    def _resident(self, places: Sequence[Place]) -> int:
        """Weights of each part, and what is kept of each adapter, at one node; a user has one part at a time."""
        held = map(self._learning.weight_bytes, {place.part for place in places})
        weights = max(held) if isinstance(places[0].node, User) else sum(held)
        states: dict[str, int] = {}
        for place in places:
            state = sum(self._learning.state_bytes(place.part, place.ranks).values())
            state += self._packing.kept_bytes(self._adapter(place))
            states[place.lineage] = max(states.get(place.lineage, 0), state)
        return weights + sum(states.values())

    def _largest(self, places: Iterable[Place]) -> int:
        """Adapters that may just have arrived at one node: the largest of each part."""
        largest: dict[Part, int] = {}
        for place in places:
            largest[place.part] = max(largest.get(place.part, 0), self._adapter(place))
        return sum(largest.values())

    def _collected(self, load: Load) -> int:
        """The hub's own adapters, and those that wait there: of users, only as many as train at a time."""
        coming: defaultdict[bool, dict[str, int]] = defaultdict(dict)  # of users or not, by lineage
        for place in load.places:
            if place.part in load.exchanged and place.node is not load.hub:
                found = coming[isinstance(place.node, User)]
                found[place.lineage] = max(found.get(place.lineage, 0), self._adapter(place))
        own = sum(self._learning.state_bytes(part)["adapter"] for part in load.exchanged)
        everybody = [nbytes for found in coming.values() for nbytes in found.values()]
        own += sum(map(self._packing.kept_for_each_bytes, everybody))
        received = sum(coming[False].values()) + sum(nlargest(len(load.alternatives), coming[True].values()))
        return own + received * (1 if self._packing.compressors.upload.exact else 2)  # as it came, and restored

    def _adapter(self, place: Place) -> int:
        return self._learning.state_bytes(place.part, place.ranks)["adapter"]

    def _working(self, load: Load) -> defaultdict[Node, int]:
        """What the mini-batches and messages at each node take together."""
        at_once: defaultdict[Node, list[Visit]] = defaultdict(list)
        for courses in load.alternatives:
            there: defaultdict[Node, list[Visit]] = defaultdict(list)
            for course in courses:
                for node, visit in self._on_the_way(course, load):
                    there[node].append(visit)
            for node, visits in there.items():
                at_once[node].append(Visit.most(visits))
        found: defaultdict[Node, int] = defaultdict(int)
        for node, visits in at_once.items():
            found[node] = _together(node, visits, load)
        return found

    def _on_the_way(self, course: Course, load: Load) -> Iterator[tuple[Node, Visit]]:
        """What a course has each node hold: those where it is computed, and those that pass its messages on."""
        shapes = self._shapes_of(course.user)
        for place in course.places:
            yield place.node, self._visits.at(place.part, place.ranks, shapes)
        for here, there in pairwise(place.node for place in course.places):
            for node in self._between(here, there):
                yield node, Visit(self._visits.message_bytes(shapes))
        first = course.places[0]
        if load.hub is not None and first.part in load.exchanged:
            carried = self._world.network.message_bytes({"adapter": self._adapter(first)})
            for node in self._between(first.node, load.hub):
                yield node, Visit(carried)

    def _between(self, here: Node, there: Node) -> set[Node]:
        """Who may pass on what goes from one to the other, by whichever edge server reaches a user then."""
        if not isinstance(here, User):
            return set()  # from servers, wires lead straight on
        passing = set[Node](self._world.may_serve(here)) - {there}
        return passing | {self._world.cloud} if passing and isinstance(there, Edge) else passing

    def _shapes_of(self, user: User) -> tuple[Shape, ...]:
        if user not in self._shapes:
            self._shapes[user] = self._learning.shapes(user.rows, self._world.batch_size)
        return self._shapes[user]


def limit_of(node: Node) -> float:
    """Bytes of memory that the node has, infinite where nothing is said."""
    return inf if node.memory_bytes is None else node.memory_bytes


def _written(nbytes: float) -> str:
    symbol, size = next((unit for unit in _UNITS if nbytes >= unit[1]), ("B", 1.0))
    return f"{nbytes / size:.4g} {symbol}"


def _by_node(places: Iterable[Place]) -> dict[Node, list[Place]]:
    found: dict[Node, list[Place]] = {}
    for place in places:
        found.setdefault(place.node, []).append(place)
    return found


def _together(node: Node, visits: Sequence[Visit], load: Load) -> int:
    """Bytes of all ``visits`` at once, of which a user has one at a time, and of what earlier rounds may have left."""
    if isinstance(node, User):
        visits = [Visit.most(visits)]
    visits = [*visits] * _rounds_at_once(node, visits, load)
    extras = nlargest(node.processor.jobs, (visit.extra for visit in visits))
    return sum(visit.rests for visit in visits) + sum(extras)


def _rounds_at_once(node: Node, visits: Sequence[Visit], load: Load) -> int:
    """Of how many rounds a node may have mini-batches.

    A user who computes one job at a time ends one that was cut short before it begins another. Servers have one of each
    course left, at most, when a deadline has passed.
    """
    one_by_one = isinstance(node, User) and node.processor.jobs == 1
    if load.deadline_s is None or one_by_one:
        return 1
    seconds = [node.processor.time.seconds(visit.flops) for visit in visits]
    behind_s = sum(seconds) / node.processor.jobs + max(seconds)
    return min(load.rounds, 2 if behind_s <= load.deadline_s else load.rounds)
