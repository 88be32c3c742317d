"use strict";
// The timeline of one round: a row a user or node, a bar an activity. Times are nanoseconds after the round's start.
(() => {
  const source = document.getElementById("timeline-data");
  if (!source) return;
  const { kinds, runs } = JSON.parse(source.textContent);
  const part = (name) => document.getElementById(`timeline-${name}`);
  const view = part("view"), canvas = part("canvas"), spacer = part("spacer"), tip = part("tip"), told = part("told");
  const pickRun = part("run"), pickRound = part("round"), pickRows = part("rows"), slider = part("height");
  const pen = canvas.getContext("2d");
  const AXIS = 26, LEAST_NS = 200, STEP = 1.5, MOST_UNITS = 6;
  const DELAYS = kinds.filter((kind) => kind.color).length; // the others, behind them, befall a user
  const HATCHES = { rising: ["/"], falling: ["\\"], upright: ["|"], crossed: ["/", "\\"], dotted: ["."] };
  let round, rows, units, lane, starts, from, to, look, gutter = 80, asked = false;

  const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
  const run = () => runs[pickRun.selectedIndex];
  const rowHeight = () => Number(slider.value);

  // ---- choosing

  function chooseRun() {
    pickRound.replaceChildren(...run().rounds.map((each) => new Option(`Round ${each.n}`)));
    chooseRound(0);
  }

  function chooseRound(place) {
    pickRound.selectedIndex = clamp(place, 0, run().rounds.length - 1);
    round = run().rounds[pickRound.selectedIndex];
    let at = 0;
    starts = round.s.map((gap) => (at += gap));
    part("earlier").disabled = pickRound.selectedIndex === 0;
    part("later").disabled = pickRound.selectedIndex === run().rounds.length - 1;
    chooseRows();
    reset();
  }

  /** Rows without any activity in this round are left out, so that what happens is in sight. */
  function chooseRows() {
    const byPath = pickRows.value === "paths", names = byPath ? run().paths : run().nodes;
    const column = byPath ? round.p : round.r, found = new Map();
    lane = byPath ? round.q : round.m;
    for (let place = 0; place < column.length; place++) {
      if (column[place] < 0) continue;
      if (!found.has(column[place])) found.set(column[place], { name: names[column[place]], places: [], lanes: 1 });
      const row = found.get(column[place]);
      row.places.push(place);
      row.lanes = Math.max(row.lanes, lane[place] + 1);
    }
    rows = [...found.keys()].sort((one, other) => one - other).map((number) => found.get(number));
    units = 0;
    for (const row of rows) {
      row.at = units;
      row.units = clamp(Math.ceil(row.lanes / 3), 1, MOST_UNITS);
      units += row.units;
    }
    const room = Math.min(0.6 * window.innerHeight, 560) - AXIS;
    slider.value = clamp(Math.floor(room / units), 5, 24);
    arrange();
  }

  function arrange() {
    const whole = AXIS + units * rowHeight() + 4;
    const height = Math.min(whole, Math.max(160, Math.min(0.6 * window.innerHeight, 560)));
    view.style.height = `${height}px`;
    spacer.style.height = `${whole - height}px`;
    pen.font = look.font;
    const widest = Math.max(...rows.map(({ name }) => pen.measureText(name).width));
    gutter = Math.min(widest + 20, 0.34 * view.clientWidth);
    draw();
  }

  // ---- what is in sight

  function show(first, last) {
    const length = clamp(last - first, Math.min(LEAST_NS, round.l), round.l);
    from = clamp(first, 0, round.l - length);
    to = from + length;
    view.dataset.from = Math.round(from);
    view.dataset.to = Math.round(to);
    draw();
  }

  const reset = () => { view.scrollTop = 0; show(0, round.l); };
  const pan = (share) => show(from + share * (to - from), to + share * (to - from));

  function zoom(factor, at = (from + to) / 2) {
    const length = clamp((to - from) / factor, Math.min(LEAST_NS, round.l), round.l);
    const first = at - ((at - from) * length) / (to - from);
    show(first, first + length);
  }

  const timeAt = (x) => from + ((x - gutter) / (view.clientWidth - gutter)) * (to - from);
  const placeOf = (ns) => gutter + ((ns - from) / (to - from)) * (view.clientWidth - gutter);

  // ---- drawing

  function readLook() {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    look = { ink: color("ink"), muted: color("muted"), rule: color("rule"), paper: color("paper"), ground: color("ground") };
    look.font = `12px ${getComputedStyle(view).fontFamily}`;
    look.fills = kinds.map(({ key }) => resolved(color(`kind-${key}`)) || look.ink);
    look.hatches = kinds.map(({ hatch }) => pattern(HATCHES[hatch] || [], look.paper));
    look.onFill = look.fills.map(readable);
  }

  function pattern(strokes, color) {
    if (!strokes.length) return null;
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const brush = tile.getContext("2d");
    brush.strokeStyle = brush.fillStyle = color;
    brush.globalAlpha = 0.55;
    const line = (...ends) => { brush.beginPath(); brush.moveTo(ends[0], ends[1]); brush.lineTo(ends[2], ends[3]); brush.stroke(); };
    for (const stroke of strokes) {
      for (const shift of stroke === "/" || stroke === "\\" ? [-8, 0, 8] : []) {
        if (stroke === "/") line(shift, 8, shift + 8, 0);
        else line(shift, 0, shift + 8, 8);
      }
      if (stroke === "|") line(4, 0, 4, 8);
      if (stroke === ".") brush.fillRect(3, 3, 2, 2);
    }
    return pen.createPattern(tile, "repeat");
  }

  /** A colour of the style sheet as the canvas understands it. */
  function resolved(color) {
    if (!color) return "";
    tip.style.color = color;
    const found = getComputedStyle(tip).color;
    tip.style.color = "";
    return found;
  }

  function readable(fill) {
    const dot = document.createElement("canvas").getContext("2d");
    dot.fillStyle = fill;
    dot.fillRect(0, 0, 1, 1);
    const [red, green, blue] = dot.getImageData(0, 0, 1, 1).data;
    return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#111111" : "#ffffff";
  }

  function draw() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; paint(); });
  }

  function paint() {
    const width = view.clientWidth, height = view.clientHeight, dots = window.devicePixelRatio || 1;
    if (!width || !round) return;
    if (canvas.width !== Math.round(width * dots) || canvas.height !== Math.round(height * dots)) {
      canvas.width = Math.round(width * dots);
      canvas.height = Math.round(height * dots);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    pen.setTransform(dots, 0, 0, dots, 0, 0);
    pen.fillStyle = look.paper;
    pen.fillRect(0, 0, width, height);
    pen.font = look.font;
    pen.textBaseline = "middle";
    const unit = rowHeight(), marks = ticks(width), seen = [];
    rows.forEach((row, number) => {
      const top = AXIS + row.at * unit - view.scrollTop, tall = row.units * unit;
      if (top + tall < AXIS || top > height) return;
      seen.push([row, top, tall]);
      pen.fillStyle = look.ground;
      if (number % 2 === 0) pen.fillRect(gutter, top, width - gutter, tall);
    });
    pen.fillStyle = look.rule;
    for (const [x] of marks) pen.fillRect(x, AXIS - 5, 1, height);
    for (const [row, top, tall] of seen) paintRow(row, top, tall, width);
    paintEnd(height);
    paintNames(seen, height);
    paintAxis(width, marks);
    say();
  }

  function paintRow(row, top, tall, width) {
    const inset = tall > 8 ? 2 : tall > 4 ? 1 : 0;
    let pixel = -1, kindBefore = -1;
    const { places, lanes } = row, share = (tall - 2 * inset) / lanes;
    for (const place of places) {
      const start = starts[place], end = start + round.d[place], kind = round.k[place];
      if (start > to) break;
      if (end < from) continue;
      const left = Math.max(placeOf(start), gutter), right = Math.min(placeOf(end), width);
      if (lanes === 1 && right - left < 1 && Math.floor(left) === pixel && kind === kindBefore) continue;
      pixel = Math.floor(left);
      kindBefore = kind;
      if (kind >= DELAYS) {
        pen.fillStyle = look.ink;
        pen.fillRect(left - 1, top, Math.max(right - left, 2), Math.max(2, tall * 0.28));
      } else {
        const wide = Math.max(right - left - (right - left > 3 ? 0.8 : 0), 0.8);
        paintBar(kind, left, top + inset + lane[place] * share, wide, Math.max(share - (share > 3 ? 0.6 : 0), 0.6));
      }
    }
  }

  function paintBar(kind, left, top, wide, tall) {
    pen.fillStyle = look.fills[kind];
    pen.fillRect(left, top, wide, tall);
    if (look.hatches[kind] && wide > 5 && tall > 5) {
      pen.fillStyle = look.hatches[kind];
      pen.fillRect(left, top, wide, tall);
    }
    const name = kinds[kind].name.toLowerCase();
    if (tall < 15 || wide < 46 || look.hatches[kind]) return;
    if (pen.measureText(name).width + 10 > wide) return;
    pen.fillStyle = look.onFill[kind];
    pen.fillText(name, left + 5, top + tall / 2 + 0.5);
  }

  function paintEnd(height) {
    if (round.l === round.e || placeOf(round.e) < gutter) return;
    pen.fillStyle = look.muted;
    pen.fillRect(placeOf(round.e), AXIS, 1, height);
  }

  function paintNames(seen, height) {
    pen.fillStyle = look.paper;
    pen.fillRect(0, AXIS, gutter, height);
    pen.fillStyle = look.ink;
    let free = AXIS + 5;
    for (const [row, top, tall] of seen) {
      const middle = top + tall / 2;
      if (middle < free) continue;
      pen.fillText(short(row.name), 6, middle);
      free = middle + 14;
    }
  }

  function short(name) {
    let text = name;
    while (text.length > 3 && pen.measureText(text).width > gutter - 12) text = `${text.slice(0, -2)}…`;
    return text;
  }

  /** Instants with a label each, at round numbers of simulated time. */
  function ticks(width) {
    const wanted = ((to - from) * 90) / Math.max(width - gutter, 90);
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = [1, 2, 5, 10].map((times) => times * power).find((each) => each >= wanted);
    const [unit, size] = unitOf(round.t + to);
    const decimals = clamp(Math.ceil(-Math.log10(step / size) - 1e-9), 0, 9);
    const found = [];
    for (let tick = Math.ceil((round.t + from) / step); tick * step <= round.t + to; tick++) {
      found.push([placeOf(tick * step - round.t), `${((tick * step) / size).toFixed(decimals)} ${unit}`]);
    }
    return found;
  }

  function paintAxis(width, marks) {
    pen.fillStyle = look.paper;
    pen.fillRect(0, 0, width, AXIS);
    pen.fillStyle = look.muted;
    for (const [x, text] of marks) {
      const wide = pen.measureText(text).width;
      if (x - wide / 2 > gutter - 24) pen.fillText(text, Math.min(x - wide / 2, width - wide - 2), AXIS / 2 - 1);
    }
    pen.fillStyle = look.rule;
    pen.fillRect(gutter, AXIS - 1, width - gutter, 1);
  }

  // ---- words

  const TIMES = [["ns", 1], ["µs", 1e3], ["ms", 1e6], ["s", 1e9], ["min", 6e10], ["h", 3.6e12]];
  const SIZES = [["B", 1], ["kB", 1e3], ["MB", 1e6], ["GB", 1e9]];
  const unitOf = (value, ladder = TIMES) => ladder.filter(([, size]) => size <= value).pop() || ladder[0];

  function measured(value, ladder = TIMES) {
    const [unit, size] = unitOf(value, ladder);
    return `${Number((value / size).toPrecision(4))} ${unit}`;
  }

  function say() {
    const share = (to - from) / round.l;
    told.textContent =
      `Round ${round.n} of ${run().name}: ${measured(round.e)}, ${starts.length} activities` +
      (share < 0.999 ? `; ${measured(to - from)} in sight` : "");
  }

  function describe(place) {
    const nbytes = round.b[place], duration = round.d[place], user = round.u[place];
    const byPath = pickRows.value === "paths";
    const lines = [
      [run().reasons[round.w[place]] || "", ""],
      byPath ? ["at", run().nodes[round.r[place]] || ""] : ["of", user >= 0 ? `user ${user}` : user === -1 ? "everybody" : ""],
      ["from", measured(round.t + starts[place])],
      ["lasts", measured(duration)],
      ["carries", nbytes ? measured(nbytes, SIZES) : ""],
      ["at", nbytes && duration ? `${Number(((nbytes * 8e3) / duration).toPrecision(3))} Mbit/s` : ""],
    ];
    const head = document.createElement("b");
    head.textContent = kinds[round.k[place]].name;
    const texts = lines.filter(([name, value], place) => (place ? value : name));
    tip.replaceChildren(head, ...texts.map(([name, value]) => {
      const line = document.createElement("div");
      line.textContent = value ? `${name} ${value}` : name;
      return line;
    }));
  }

  /** The activity at a point of the view, or null. */
  function found(x, y) {
    const down = (y - AXIS + view.scrollTop) / rowHeight();
    const row = rows.find(({ at, units }) => at <= down && down < at + units);
    if (x < gutter || y < AXIS || !row) return null;
    const at = timeAt(x), near = (2 * (to - from)) / view.clientWidth, wanted = Math.floor(((down - row.at) / row.units) * row.lanes);
    let best = null;
    for (const place of row.places) {
      if (starts[place] > at + near) break;
      if (starts[place] + round.d[place] < at - near) continue;
      const befell = round.k[place] >= DELAYS;
      if (befell || (lane[place] === wanted && (best === null || round.k[best] < DELAYS))) best = place;
    }
    return best;
  }

  function point(event) {
    const box = view.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const place = found(x, y);
    tip.hidden = place === null;
    if (place === null) return;
    describe(place);
    tip.style.left = `${clamp(x + 14, 0, view.clientWidth - tip.offsetWidth)}px`;
    tip.style.top = `${y + 18 + tip.offsetHeight > view.clientHeight + 60 ? y - tip.offsetHeight - 10 : y + 18}px`;
  }

  // ---- hands

  const fingers = new Map();
  const apart = () => { const [one, other] = [...fingers.values()]; return Math.abs(one.x - other.x) + 0.25 * Math.abs(one.y - other.y); };
  const between = () => { const [one, other] = [...fingers.values()]; return (one.x + other.x) / 2 - view.getBoundingClientRect().left; };

  view.addEventListener("pointerdown", (event) => {
    if (event.clientX - view.getBoundingClientRect().left > view.clientWidth) return; // the scroll bar
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    view.setPointerCapture(event.pointerId);
    if (event.pointerType !== "mouse") point(event);
  });

  view.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) { point(event); return; }
    const spread = fingers.size === 2 ? apart() : 0;
    const across = event.clientX - finger.x, down = event.clientY - finger.y;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 2 && spread) zoom(apart() / spread, timeAt(between()));
    else {
      pan(-across / (view.clientWidth - gutter));
      if (event.pointerType === "mouse") view.scrollTop -= down;
    }
    if (Math.abs(across) + Math.abs(down) > 1) tip.hidden = true;
  });

  for (const name of ["pointerup", "pointercancel"]) view.addEventListener(name, (event) => fingers.delete(event.pointerId));
  view.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") tip.hidden = true; });

  view.addEventListener("wheel", (event) => {
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const whole = to - from >= round.l;
    if (whole && (sideways || (event.deltaY > 0 && !event.ctrlKey))) return; // the page scrolls on
    event.preventDefault();
    tip.hidden = true;
    const turned = (event.deltaX || event.deltaY) * (event.deltaMode === 1 ? 16 : 1);
    if (sideways) pan(turned / view.clientWidth);
    else zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.03 : 0.002)), timeAt(event.clientX - view.getBoundingClientRect().left));
  }, { passive: false });

  const KEYS = {
    ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15),
    ArrowUp: () => { view.scrollTop -= 60; }, ArrowDown: () => { view.scrollTop += 60; },
    "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), 0: reset, Home: reset,
    PageUp: () => chooseRound(pickRound.selectedIndex - 1), PageDown: () => chooseRound(pickRound.selectedIndex + 1),
  };
  view.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  part("in").addEventListener("click", () => zoom(STEP));
  part("out").addEventListener("click", () => zoom(1 / STEP));
  part("reset").addEventListener("click", reset);
  part("earlier").addEventListener("click", () => chooseRound(pickRound.selectedIndex - 1));
  part("later").addEventListener("click", () => chooseRound(pickRound.selectedIndex + 1));
  pickRun.addEventListener("change", chooseRun);
  pickRound.addEventListener("change", () => chooseRound(pickRound.selectedIndex));
  pickRows.addEventListener("change", chooseRows);
  slider.addEventListener("input", arrange);
  view.addEventListener("scroll", draw);
  window.addEventListener("resize", arrange);
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    window.matchMedia(query).addEventListener("change", () => { readLook(); asked = false; paint(); });
  }
  pickRun.replaceChildren(...runs.map((each) => new Option(each.name)));
  pickRun.selectedIndex = runs.reduce((most, each, place) => (each.nodes.length > runs[most].nodes.length ? place : most), 0);
  readLook();
  chooseRun();
})();
