// Lines of uPlot over charts that are complete without them: every day under the pointer or the keyboard, and a span chosen
// from the chart. The days and values are fetched once the chart is on the page; without them the drawing stays as it is.
"use strict";

const MINUS = "−";
const HIDDEN = "•••";
const DAY_S = 24 * 3600;
const fetched = new Map();
const known = new WeakSet();
const drawn = new Set();
let returning = ""; // the chart whose keyboard goes on once it is drawn of another span

const columnsOf = (figure) => {
  const address = figure.dataset.columns;
  if (!fetched.has(address)) {
    const answer = fetch(address, { headers: { Accept: "application/json" } });
    fetched.set(address, answer.then((each) => (each.ok && !each.redirected ? each.json() : {})).catch(() => ({})));
  }
  return fetched.get(address).then((charts) => charts[figure.dataset.chart]);
};

const isoDay = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);

/** A value as the page writes it. */
const written = (series, value) => {
  const sign = value < 0 ? MINUS : "";
  if (series.is_hidden) return sign + HIDDEN + (series.unit && ` ${series.unit}`);
  const share = series.format === "percentage";
  const digits = { minimumFractionDigits: series.digits ?? 0, maximumFractionDigits: series.digits ?? 12 };
  const text = new Intl.NumberFormat("en-GB", digits).format(Math.abs(share ? value * 100 : value));
  const shown = /[1-9]/.test(text) ? sign + text : text;
  return shown + (share ? "\u00a0%" : "") + (series.unit && ` ${series.unit}`);
};

const dashOf = (line) =>
  getComputedStyle(line)
    .strokeDasharray.split(/[ ,]+/)
    .map((each) => parseFloat(each) * devicePixelRatio)
    .filter((each) => each > 0);

/** Draw one chart, let the pointer and the keyboard walk on its days, and choose a span of them. */
const mount = (figure, data) => {
  const times = data.days.map((day) => day * DAY_S);
  const last = times.length - 1;
  const lines = [...figure.querySelectorAll(".lines .line")];
  if (last < 1 || lines.length !== data.series.length) return;
  const drawing = figure.querySelector(".plot");
  const readout = figure.querySelector(".readout");
  const form = document.getElementById("span");
  const trades = new Map(data.trades.map(([place, bought, sold]) => [place, { bought, sold }]));

  const holder = document.createElement("div");
  holder.className = "canvas";
  const walker = document.createElement("input");
  walker.type = "range";
  walker.className = "walker heard";
  walker.max = last;
  walker.value = last;
  walker.setAttribute("aria-label", "Day of the chart");
  if (form) walker.setAttribute("aria-description", "Shift with an arrow begins a span, Enter shows it");
  drawing.before(walker);
  drawing.after(holder);
  figure.classList.add("drawn");

  let anchor = null; // the day at which the keyboard began a span

  const tell = (place) => {
    const words = data.series
      .map((series, number) => [series, data.series[number].values[place]])
      .filter(([, value]) => value !== null)
      .map(([series, value]) => `${series.label} ${written(series, value)}`);
    for (const [kind, symbols] of Object.entries(trades.get(place) ?? {})) {
      if (symbols.length) words.push(`${kind} ${symbols.join(", ")}`);
    }
    let told = `${isoDay(times[place])}: ${words.join(", ")}`;
    if (anchor !== null && anchor !== place) {
      const [from, to] = [anchor, place].sort((one, other) => one - other);
      told = `${isoDay(times[from])} to ${isoDay(times[to])}: Enter shows this span, Escape leaves it. ${told}`;
    }
    readout.textContent = told;
    walker.value = place;
    walker.setAttribute("aria-valuetext", told);
  };

  const showSpan = (from, to) => {
    if (!form || from === to) return;
    form.elements.from_date.value = isoDay(times[from]);
    form.elements.asof.value = isoDay(times[to]);
    form.requestSubmit();
  };

  const chart = new uPlot(
    {
      width: holder.clientWidth,
      height: holder.clientHeight,
      padding: [0, 0, 0, 0],
      legend: { show: false },
      axes: [{ show: false }, { show: false }],
      scales: {
        x: { time: false, range: [times[0], times[last]] },
        y: { range: [data.levels[0], data.levels.at(-1)] },
      },
      cursor: {
        y: false,
        drag: { x: Boolean(form), y: false, setScale: false },
        points: { size: 8, width: 2 },
        bind: { dblclick: () => null },
      },
      series: [
        {},
        ...data.series.map((series, number) => ({
          label: series.label,
          stroke: () => getComputedStyle(lines[number]).stroke,
          width: 2,
          dash: dashOf(lines[number]),
          points: { show: false },
          spanGaps: false,
        })),
      ],
      hooks: {
        setCursor: [(self) => tell(self.cursor.idx ?? last)],
        setSelect: [
          (self) => {
            const { left, width } = self.select;
            if (width > 0) showSpan(self.posToIdx(left), self.posToIdx(left + width));
          },
        ],
      },
    },
    [times, ...data.series.map((series) => series.values)],
    holder,
  );

  const select = (from, to) => {
    const [left, right] = [from, to].map((place) => chart.valToPos(times[place], "x")).sort((one, other) => one - other);
    chart.setSelect({ left, width: right - left, top: 0, height: chart.over.clientHeight }, false);
  };
  const leave = () => {
    anchor = null;
    chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  };
  const walkTo = (place) => {
    const top = chart.valToPos(data.series[0].values[place] ?? data.levels[0], "y");
    chart.setCursor({ left: chart.valToPos(times[place], "x"), top });
  };

  walker.addEventListener("keydown", (event) => {
    const place = Number(walker.value);
    if (event.key.startsWith("Arrow") && form) {
      if (!event.shiftKey) leave();
      else if (anchor === null) anchor = place;
    } else if (event.key === "Escape" && anchor !== null) {
      leave();
      tell(place);
    } else if (event.key === "Enter" && anchor !== null) {
      event.preventDefault();
      returning = figure.dataset.chart;
      showSpan(...[anchor, place].sort((one, other) => one - other));
    }
  });
  walker.addEventListener("input", () => {
    const place = Number(walker.value);
    walkTo(place);
    tell(place);
    if (anchor !== null) select(anchor, place);
  });
  walker.addEventListener("blur", () => {
    leave();
    chart.setCursor({ left: -10, top: -10 });
  });
  chart.over.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") chart.setCursor({ left: event.offsetX, top: event.offsetY });
  });
  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = holder;
    if (width && (width !== chart.width || height !== chart.height)) chart.setSize({ width, height });
  }).observe(holder);
  drawn.add(chart);
  tell(last);
  if (returning === figure.dataset.chart) {
    returning = "";
    walker.focus({ preventScroll: true });
  }
};

/** A chart is drawn when it is to be seen for the first time: behind a tab it has no width. */
const waiting = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    if (!contentRect.width) continue;
    waiting.unobserve(target);
    columnsOf(target).then((data) => data && target.isConnected && mount(target, data));
  }
});

const prepare = (root) => {
  for (const figure of root.querySelectorAll("[data-columns]")) {
    if (!known.has(figure)) waiting.observe(figure);
    known.add(figure);
  }
};

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of drawn) {
    if (chart.root.isConnected) chart.redraw(false);
    else drawn.delete(chart);
  }
});
prepare(document);
document.addEventListener("htmx:load", (event) => prepare(event.target));
