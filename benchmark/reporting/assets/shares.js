"use strict";
// Shares of images, their intervals and bits: the formulas of benchmark/statistics, whose numbers they reproduce.
const benchShares = (() => {
  const Z = 1.959963984540054; // of 95%

  // The end of Wilson's interval for a share of so many flags, on the side of the quantile's sign.
  const bound = (mean, flags, quantile) => {
    const square = quantile ** 2 / flags;
    return (mean + square / 2 + quantile * Math.sqrt((mean * (1 - mean) + square / 4) / flags)) / (1 + square);
  };
  const interval = (mean, flags) => [
    mean > 0 ? Math.max(0, bound(mean, flags, -Z)) : 0,
    mean < 1 ? Math.min(1, bound(mean, flags, Z)) : 1,
  ];
  const wilson = (right, images) => interval(right / images, images);

  // The interval of a mean of shares k/K, given how many images have each k: as of so many flags as tell as much.
  const meanInterval = (counts) => {
    const images = counts.reduce((sum, count) => sum + count, 0);
    const parts = counts.length - 1;
    const mean = counts.reduce((sum, count, k) => sum + (count * k) / parts, 0) / images;
    const greatest = mean * (1 - mean);
    if (greatest === 0) return interval(mean, images);
    const squares = counts.reduce((sum, count, k) => sum + count * (k / parts - mean) ** 2, 0);
    const effect = (squares / greatest + Z ** 2) / (images + Z ** 2);
    return interval(mean, images / Math.min(effect, 1));
  };

  // A fraction as a percentage; halves go to the even digit, as in the tables.
  const percent = (fraction) => {
    if (fraction === null || fraction === undefined) return "–";
    const value = 100 * fraction;
    const isHalf = (4 * value) % 2 === 1;
    return isHalf ? `${Math.floor(value)}.${value % 1 === 0.25 ? 2 : 8}` : value.toFixed(1);
  };
  const within = ([value, low, high]) => `${percent(value)} (${percent(low)}–${percent(high)})`;

  const decode = (letters) => Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);
  const count = (bytes) => {
    let sum = 0;
    for (let place = 0; place < bytes.length; place += 1) sum += ONES[bytes[place]];
    return sum;
  };
  return { wilson, meanInterval, percent, within, decode, count };
})();
