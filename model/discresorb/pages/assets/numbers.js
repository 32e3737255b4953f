"use strict";

// The page's one global object; the files after this one add to it, the last one freezes it.
const discresorb = {};

// Numbers as Python writes them: exact decimal expansions, ties rounded to the even digit.
(() => {
  const EXACT = 100; // digits after which no double can still lie near a tie without being one
  const isTie = (rest) => /^50*$/.test(rest);
  const isEven = (digits) => "02468".includes(digits.at(-1));

  // Python's f"{x:.{places}f}"
  function fixed(x, places) {
    const rounded = x.toFixed(places);
    const long = x.toFixed(EXACT);
    const end = long.length - EXACT + places;
    const cut = long.slice(0, end).replace(/\.$/, "");
    return isTie(long.slice(end)) && isEven(cut) ? cut : rounded;
  }

  // Mantissa as so many digits, and the power of ten of the first of them.
  function scientific(size, count) {
    const [long] = size.toExponential(EXACT).replace(".", "").split("e");
    const [rounded, power] = size.toExponential(count - 1).replace(".", "").split("e");
    const cut = long.slice(0, count);
    return [isTie(long.slice(count)) && isEven(cut) ? cut : rounded, Number(power)];
  }

  const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0*$/, "") : text);

  // Python's f"{x:.{count}g}"
  function general(x, count) {
    if (Number.isNaN(x)) return "nan";
    const sign = x < 0 || Object.is(x, -0) ? "-" : "";
    const size = Math.abs(x);
    if (size === 0 || size === Infinity) return `${sign}${size === 0 ? "0" : "inf"}`;
    const [digits, power] = scientific(size, count);
    if (power < -4 || power >= count) {
      const exponent = `${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
      return `${sign}${trimmed(`${digits[0]}.${digits.slice(1)}`)}e${exponent}`;
    }
    if (power < 0) return sign + trimmed(`0.${"0".repeat(-power - 1)}${digits}`);
    return sign + trimmed(`${digits.slice(0, power + 1)}.${digits.slice(power + 1)}`);
  }

  discresorb.numbers = Object.freeze({ fixed, general });
})();
