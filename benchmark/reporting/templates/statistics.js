"use strict";
// Paired tests of networks on the same images, as benchmark/analysis/paired.py makes them.

// Two-sided exact p of McNemar's test; sums of logarithms, as 2^-n is 0 for n beyond a thousand.
const mcnemar = (onlyFirst, onlySecond) => {
  const total = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  let term = -total * Math.LN2;
  let sum = Math.exp(term);
  let lost = term;
  for (let k = 1; k <= fewer; k += 1) {
    term += Math.log((total - k + 1) / k);
    const high = Math.max(lost, term);
    lost = high + Math.log1p(Math.exp(Math.min(lost, term) - high));
    sum = Math.exp(lost);
  }
  return Math.min(1, 2 * sum);
};

// Probability of a normal variable beyond ±z, to seven digits (Numerical Recipes' rational fit of erfc).
const normalP = (z) => {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + x / 2);
  const fit = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
    -1.26551223,
  ];
  return t * Math.exp(-x * x + fit.reduce((sum, factor) => sum * t + factor));
};

// p values corrected for their number by Holm's method.
const holm = (values) => {
  const order = values.map((_, index) => index).sort((a, b) => values[a] - values[b]);
  const corrected = [];
  let highest = 0;
  order.forEach((index, place) => {
    highest = Math.max(highest, Math.min(1, (values.length - place) * values[index]));
    corrected[index] = highest;
  });
  return corrected;
};

// Bits of base64, first image first, as numbers 0 and 1.
const unpack = (packed, images) => {
  const bytes = atob(packed);
  return Float64Array.from({ length: images }, (_, image) => (bytes.charCodeAt(image >> 3) >> (7 - (image & 7))) & 1);
};

// What each image adds to a metric, in [0, 1]; null if that is not known. Rworst and Ravg are over the threats `union`.
const scores = (outcome, metric, union) => {
  if (metric !== "Rworst" && metric !== "Ravg") {
    const packed = outcome[metric === "Clean" ? "clean" : metric];
    return packed === null ? null : unpack(packed, outcome.images);
  }
  const parts = union.map((threat) => scores(outcome, threat, union));
  if (!parts.length || parts.includes(null)) return null;
  return parts[0].map((_, image) => {
    const sum = parts.reduce((total, part) => total + part[image], 0);
    return metric === "Ravg" ? sum / union.length : Number(sum === union.length);
  });
};

// First minus second with its 95% interval, from the mean and the spread of the images' own differences.
// McNemar's test where all values are 0 or 1, as those of Ravg over a single threat are: one quantity has one p.
const paired = (first, second) => {
  const images = first.length;
  let isShare = false;
  let sum = 0;
  let squares = 0;
  let onlyFirst = 0;
  let onlySecond = 0;
  for (let image = 0; image < images; image += 1) {
    const difference = first[image] - second[image];
    sum += difference;
    squares += difference * difference;
    onlyFirst += difference > 0;
    onlySecond += difference < 0;
    isShare ||= first[image] % 1 !== 0 || second[image] % 1 !== 0;
  }
  const difference = sum / images;
  const deviation = Math.sqrt(Math.max(0, squares / images - difference * difference) / images);
  const half = 1.959963984540054 * deviation;
  const found = { difference, low: difference - half, high: difference + half };
  if (isShare) return { ...found, onlyFirst: null, onlySecond: null, p: deviation ? normalP(difference / deviation) : Number(!difference) };
  return { ...found, onlyFirst, onlySecond, p: mcnemar(onlyFirst, onlySecond) };
};
