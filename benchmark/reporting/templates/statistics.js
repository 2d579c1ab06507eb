"use strict";
// Paired tests of networks on the same images: the formulas of benchmark/statistics, whose numbers they reproduce.

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

const total = (values) => values.reduce((sum, value) => sum + value, 0);
// The values that a difference of shares can take, one for each of the counts, from -1 to 1.
const support = (counts) => counts.map((_, place) => (2 * place) / (counts.length - 1) - 1);
const meanOf = (weights) => total(support(weights).map((value, place) => value * weights[place])) / total(weights);

// Of all distributions of one mean that under which the counts are most probable: see benchmark/statistics/score.py.
const mostProbable = (counts, tilt) => {
  const parts = (counts.length - 1) / 2;
  const steps = Math.max(...counts.map((count, place) => (count ? Math.abs(place - parts) : 0))) || parts;
  const inner = Math.max(-1 + 1e-12, Math.min(1 - 1e-12, tilt)) / steps;
  const weights = counts.map((count, place) => (count ? count / (1 - inner * (place - parts)) : 0));
  const lacking = Math.max(0, Math.abs(tilt) - 1);
  const sum = total(weights);
  const found = weights.map((weight) => ((1 - lacking) * weight) / sum);
  found[parts + (tilt > 0 ? steps : -steps)] += lacking;
  return found;
};

// The tilt at which a falling function crosses 0; else the nearer end.
const root = (falling) => {
  let [low, high] = [-2, 2];
  for (let halving = 0; halving < 60; halving += 1) {
    const middle = (low + high) / 2;
    if (falling(middle) > 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
};

// How many standard errors the mean difference lies above the mean that a tilt has.
const scoreAt = (counts, tilt) => {
  const weights = mostProbable(counts, tilt);
  const mean = meanOf(weights);
  const variance = total(support(counts).map((value, place) => weights[place] * (value - mean) ** 2));
  const excess = meanOf(counts) - mean;
  return Math.abs(excess) <= 1e-15 ? 0 : excess * Math.sqrt(total(counts) / variance);
};
const score = (counts, mean = 0) => scoreAt(counts, root((tilt) => mean - meanOf(mostProbable(counts, tilt))));
const scoreInterval = (counts, critical) => [critical, -critical].map(
  (bound) => meanOf(mostProbable(counts, root((tilt) => scoreAt(counts, tilt) - bound))),
);

// The smallest difference that is found in four of five cases where as many images differ: see power.py.
const detectable = (counts, critical) => {
  const images = total(counts);
  const spread = total(support(counts).map((value, place) => value * value * counts[place])) / images;
  const chance = 0.8416212335729143;
  const level = critical * Math.sqrt(spread);
  const rest = level ** 2 * images - (images + chance ** 2) * (level ** 2 - chance ** 2 * spread);
  const found = (level * Math.sqrt(images) + Math.sqrt(Math.max(0, rest))) / (images + chance ** 2);
  return found > 0 && found <= spread ? found : null;
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

// One pair of a family: first minus second with the interval for all pairs together, p of the pair alone, and counts.
const paired = (first, second, parts, critical) => {
  const counts = new Array(2 * parts + 1).fill(0);
  let [onlyFirst, onlySecond, isShare] = [0, 0, false];
  for (let image = 0; image < first.length; image += 1) {
    counts[Math.round((first[image] - second[image]) * parts) + parts] += 1;
    onlyFirst += first[image] > second[image];
    onlySecond += first[image] < second[image];
    isShare ||= first[image] % 1 !== 0 || second[image] % 1 !== 0;
  }
  const [low, high] = scoreInterval(counts, critical);
  const found = { difference: meanOf(counts), low, high, p: normalP(score(counts)), detectable: detectable(counts, critical) };
  if (isShare) return { ...found, onlyFirst: null, onlySecond: null, exact: null };
  return { ...found, onlyFirst, onlySecond, exact: mcnemar(onlyFirst, onlySecond) };
};

// One of four verdicts on a pair; a difference that stands only by step-down has a known sign, and no more.
const judge = (test, corrected, margin) => {
  const stands = corrected <= 0.05;
  const low = stands && test.difference > 0 ? Math.max(0, test.low) : test.low;
  const high = stands && test.difference < 0 ? Math.min(0, test.high) : test.high;
  const isSmall = margin !== null && -margin < low && high < margin;
  const verdict = stands ? (test.difference > 0 ? "better" : "worse") : isSmall ? "equivalent" : "undetermined";
  return { ...test, low, high, corrected, isSmall, verdict };
};
