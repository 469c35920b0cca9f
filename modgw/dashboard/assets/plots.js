// Draws the figures of an app over time, with its generations on the same axis.
import uPlot from "./uplot/uPlot.esm.js";

const colour = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

// scaled writes a value in the largest unit that is not larger than it.
const scaled = (v, units) => {
  const [size, unit] = units.find(([size]) => Math.abs(v) >= size) ?? units.at(-1);
  const n = v / size;
  return (n >= 100 || Number.isInteger(n) ? n.toFixed(0) : String(Number(n.toPrecision(2)))) + unit;
};
const formats = {
  "s": v => v === 0 ? "0" : scaled(v, [[60, " min"], [1, " s"], [1e-3, " ms"], [1e-6, " µs"]]),
  "B": v => v === 0 ? "0" : scaled(v, [[2 ** 30, " GiB"], [2 ** 20, " MiB"], [2 ** 10, " KiB"], [1, " B"]]),
  "%": v => Number((100 * v).toPrecision(Math.abs(v) < 0.1 ? 2 : 3)) + " %",
  "1/s": v => scaled(v, [[1e6, " M"], [1e3, " k"], [1, ""]]),
  "1": v => scaled(v, [[1e6, " M"], [1e3, " k"], [1, ""]]),
};

const binary = Array.from({ length: 40 }, (_, i) => 2 ** i); // distances of ticks, for bytes

export class Plots {
  constructor(section) {
    this.section = section;
    this.path = section.dataset.figures;
    this.grid = section.querySelector(".grid");
    this.minutes = 15;
    this.times = [];    // seconds since 1970
    this.values = [];   // by series
    this.series = [];
    this.deploys = [];
    this.charts = [];   // {plot, chart, series, legend}
    this.sync = uPlot.sync("figures");
    const range = section.querySelector(".range");
    range.hidden = false;
    range.addEventListener("click", e => this.choose(range, e.target.closest("button")));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.build());
    new ResizeObserver(() => this.resize()).observe(this.grid);
  }

  choose(range, button) {
    if (!button) return;
    this.minutes = Number(button.dataset.minutes);
    for (const b of range.children) b.setAttribute("aria-pressed", String(b === button));
    this.draw();
  }

  // load asks for what is not there yet.
  async load() {
    const since = this.times.length ? Math.round(this.times.at(-1) * 1000) : 0;
    const answer = await fetch(`${this.path}?since=${since}`);
    if (answer.ok) this.add(await answer.json());
  }

  // add appends points that are newer than those that are there.
  add(figures) {
    const app = figures.app;
    if (!app) return;
    this.deploys = app.deploys ?? [];
    if (!this.series.length) {
      this.series = figures.series;
      this.values = this.series.map(() => []);
    }
    const last = this.times.at(-1) ?? 0;
    app.times.forEach((time, i) => {
      if (time / 1000 <= last) return;
      this.times.push(time / 1000);
      this.values.forEach((column, s) => column.push(app.values[s][i]));
    });
    const beyond = this.times.findIndex(t => t > this.times.at(-1) - 3600);
    if (beyond > 0) [this.times, ...this.values].forEach(column => column.splice(0, beyond));
    if (this.names() !== this.built) this.build();
    else this.draw();
  }

  // plotted are the plots that have something to show, with the series that do.
  plotted() {
    const plots = new Map();
    this.series.forEach((s, i) => plots.set(s.plot, [...plots.get(s.plot) ?? [], { ...s, index: i }]));
    const known = s => this.values[s.index].some(v => v != null);
    return [...plots].map(([title, series]) => [title, series.filter(known)]).filter(([, series]) => series.length);
  }

  // names are those of all series that have something to show.
  names() { return this.plotted().flatMap(([, series]) => series.map(s => s.name)).join(); }

  build() {
    if (!this.times.length) return;
    this.built = this.names();
    for (const c of this.charts) c.chart.destroy();
    this.charts = [];
    this.grid.replaceChildren();
    for (const [title, series] of this.plotted()) {
      const figure = document.createElement("figure");
      figure.className = "panel plot";
      const caption = document.createElement("figcaption");
      const heading = document.createElement("h2");
      heading.textContent = title;
      const legend = document.createElement("ul");
      legend.className = "legend";
      caption.append(heading, legend);
      const canvas = document.createElement("div");
      canvas.className = "canvas";
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${title} over time; the newest values are above`);
      figure.append(caption, canvas);
      this.grid.append(figure);
      const values = series.map((s, i) => {
        const item = document.createElement("li"), key = document.createElement("i"), value = document.createElement("b");
        key.className = "s" + i;
        item.append(key, s.title + " ", value);
        legend.append(item);
        return value;
      });
      this.charts.push({ series, values, chart: this.chart(canvas, series, values) });
    }
    this.draw();
  }

  chart(canvas, series, values) {
    const muted = colour("muted"), line = colour("line"), format = formats[series[0].unit] ?? String;
    const axis = { stroke: muted, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    return new uPlot({
      width: Math.max(canvas.clientWidth, 100), height: 170, legend: { show: false }, padding: [12, 20, 0, 0],
      cursor: { sync: { key: this.sync.key }, y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: { y: { range: (_, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
      axes: [
        { ...axis, size: 28, space: 60, values: [
          [60, "{HH}:{mm}", null, null, null, null, null, null, 1],
          [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1],
        ], grid: { show: false } },
        { ...axis, size: 62, ...(series[0].unit === "B" && { incrs: binary }), values: (_, ticks) => ticks.map(format), space: 34 },
      ],
      series: [{}, ...series.map((s, i) => ({
        stroke: colour("s" + i), width: 1.6, points: { show: false }, spanGaps: false,
        fill: i === 0 && series.length < 3 ? colour("fill") : undefined,
      }))],
      hooks: {
        drawAxes: [u => this.mark(u)],
        setCursor: [u => this.legend(u, series, values)],
      },
    }, [[], ...series.map(() => [])], canvas);
  }

  // mark draws a line where a generation began or could not be made.
  mark(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.textAlign = "left";
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    let free = -Infinity;
    for (const d of this.deploys) {
      const x = u.valToPos(Date.parse(d.time) / 1000, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = ctx.fillStyle = colour(d.error ? "critical" : "notice");
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const text = (d.error ? "✕ " : "") + (d.generation || "");
      if (x < free) continue; // it would cover the one before
      const width = ctx.measureText(text).width;
      const left = x + width + 8 * devicePixelRatio > bbox.left + bbox.width;
      ctx.fillText(text, left ? x - width - 3 * devicePixelRatio : x + 3 * devicePixelRatio, bbox.top + 10 * devicePixelRatio);
      free = x + width + 6 * devicePixelRatio;
    }
    ctx.restore();
  }

  // legend shows the values at the cursor, or the newest ones.
  legend(u, series, values) {
    const at = u.cursor.idx;
    series.forEach((s, i) => {
      const column = u.data[i + 1], v = at == null ? column.at(-1) : column[at];
      values[i].textContent = v == null ? "–" : (formats[s.unit] ?? String)(v);
    });
  }

  draw() {
    if (!this.times.length) return;
    const end = this.times.at(-1);
    const begin = Math.max(end - 60 * this.minutes, Math.min(this.times[0], end - 60));
    const first = Math.max(0, this.times.findIndex(t => t >= begin) - 1);
    for (const c of this.charts) {
      c.chart.setData([this.times.slice(first), ...c.series.map(s => this.values[s.index].slice(first))], false);
      c.chart.batch(() => {
        c.chart.setScale("x", { min: begin, max: end });
      });
      this.legend(c.chart, c.series, c.values);
    }
  }

  resize() {
    for (const c of this.charts) {
      const width = c.chart.root.parentElement.clientWidth;
      if (width && width !== c.chart.width) c.chart.setSize({ width, height: 170 });
    }
  }
}
