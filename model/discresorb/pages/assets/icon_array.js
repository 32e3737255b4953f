/** A hundred figures: those full would show resorption, those with a dot are uncertain. */
calculator.iconArray = (() => {
  const { element, shape } = calculator.elements;
  const { percent } = discresorb;
  const { fixed } = discresorb.numbers;
  const SIDE = 10;
  const WIDTH = 20;
  const HEIGHT = 26;
  const PERSON =
    "M10 1.6a3.9 3.9 0 1 1 0 7.8a3.9 3.9 0 0 1 0-7.8z" +
    "M4.4 15.6a5.6 4.9 0 0 1 11.2 0v5a1.6 1.6 0 0 1-1.6 1.6h-8a1.6 1.6 0 0 1-1.6-1.6z";

  /** Figures out of 100, never all: nothing is certain. */
  const figures = (probability) => Math.min(Number(fixed(100 * probability, 0)), 99);

  /** The others; all of them if there is no wait, and never none. */
  const others = (probability) =>
    probability === 0 ? "100" : percent(Math.max(1 - probability, Number.EPSILON));

  function figure(position, kind) {
    const [x, y] = [WIDTH * (position % SIDE), HEIGHT * Math.floor(position / SIDE)];
    const place = `translate(${x} ${y})`;
    const parts = [shape("path", { class: kind.full ? "full" : "left", d: PERSON })];
    if (kind.unsure) parts.push(shape("circle", { class: "unsure", cx: 10, cy: 17, r: 2.1 }));
    return shape("g", { transform: place }, ...parts);
  }

  function swatch(kind) {
    const box = { class: "swatch", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" };
    return shape("svg", box, figure(0, kind));
  }

  /** Parts of a figure element. */
  function parts({ probability, low, high }) {
    const [full, from, to] = [figures(probability), figures(low), figures(high)];
    const kinds = Array.from({ length: SIDE * SIDE }, (_, position) => ({
      full: position < full,
      unsure: position >= from && position < to,
    }));
    const interval = `${percent(low)} to ${percent(high)}`;
    const words =
      `${full} of 100 figures are full and stand for resorption: ${percent(probability)} of 100, ` +
      `95 % interval ${interval}.`;
    const drawing = shape(
      "svg",
      { viewBox: `0 0 ${SIDE * WIDTH} ${SIDE * HEIGHT}`, role: "img", "aria-label": words },
      ...kinds.map((kind, position) => figure(position, kind)),
    );
    const entry = (kind, said) => element("li", {}, swatch(kind), element("span", {}, said));
    const legend = element(
      "ul",
      { class: "legend" },
      entry({ full: true }, `${percent(probability)} with resorption on MRI`),
      entry({ full: false }, `${others(probability)} without`),
      entry({ full: false, unsure: true }, `dots: 95 % interval, ${interval}`),
    );
    return [drawing, element("figcaption", {}, legend)];
  }

  return Object.freeze({ parts });
})();
