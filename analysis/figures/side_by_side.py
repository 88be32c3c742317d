"""What was learned over simulated time, beside where that time went."""

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.bands import band_note
from analysis.figures.bars import bars_height_inches, delay_data, draw_delays
from analysis.figures.canvas import INCHES_PER_LETTER, Drawn, legend_below
from analysis.figures.curves import TIME_COLUMN, curves_data, draw_curves, learned
from analysis.figures.kinds import Comparison
from analysis.load import Results

CURVES_INCHES, BARS_INCHES = 5.6, 5.9
"""What legends may take of the width; the names of the bars stand beside."""


def drawn(results: Results, wish: Comparison) -> Drawn:
    """A pair of panels; their numbers are the curves' above the bars', cells of the other empty."""
    y = wish.y or learned(results)
    learning, delays = curves_data(results, y=y), delay_data(results)
    width = 10.0 + INCHES_PER_LETTER * delays["label"].str.len().max()
    figure = Figure(figsize=(width, max(4.8, bars_height_inches(delays))), layout="constrained")
    curves, bars = figure.subplots(1, 2, width_ratios=(1, 1.15))
    draw_curves(curves, learning, TIME_COLUMN, y)
    curves.set_title("What is learned, and when")
    legend_below(curves, CURVES_INCHES, title=band_note(learning))
    draw_delays(bars, delays)
    bars.set_title("Where the time goes")
    legend_below(bars, BARS_INCHES)
    return Drawn(figure, pd.concat([learning, delays], ignore_index=True))
