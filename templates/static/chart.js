// A cross-hair for charts that are complete without it: the day under the pointer, or the day that the keyboard walks to.
"use strict";

for (const figure of document.querySelectorAll("[data-chart]")) {
  const data = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
  const plot = figure.querySelector(".plot");
  const cross = figure.querySelector(".cross");
  const readout = figure.querySelector(".readout");
  const times = data.days.map((day) => Date.parse(day));
  const last = times.length - 1;
  const span = times[last] - times[0];
  if (!span) continue;

  const walker = document.createElement("input");
  walker.type = "range";
  walker.className = "walker heard";
  walker.max = last;
  walker.value = last;
  walker.setAttribute("aria-label", "Day of the chart");
  plot.before(walker);
  readout.hidden = false;

  const show = (index, isMarked) => {
    const words = data.series
      .filter((series) => series.texts[index])
      .map((series) => `${series.label} ${series.texts[index]}${series.unit && " " + series.unit}`);
    const told = `${data.days[index]}: ${words.join(", ")}`;
    const at = `${(100 * (times[index] - times[0])) / span}%`;
    cross.setAttribute("x1", at);
    cross.setAttribute("x2", at);
    cross.setAttribute("visibility", isMarked ? "visible" : "hidden");
    readout.textContent = told;
    walker.value = index;
    walker.setAttribute("aria-valuetext", told);
  };

  const nearest = (time) => {
    let low = 0;
    let high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle;
      else high = middle;
    }
    return time - times[low] <= times[high] - time ? low : high;
  };

  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    show(nearest(times[0] + (span * (event.clientX - box.left)) / box.width), true);
  });
  plot.addEventListener("pointerleave", () => show(last, false));
  walker.addEventListener("input", () => show(Number(walker.value), true));
  walker.addEventListener("blur", () => show(last, false));
  show(last, false);
}
