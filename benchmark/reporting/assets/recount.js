"use strict";
// Rworst and Ravg of a reader's own union of attacks: the formulas of benchmark/analysis/aggregate.py on bits.
const benchRecount = (() => {
  // What of the bits can be computed once: bytes of a network's flags, view by view.
  const unpack = (bits) => bits.networks.map((network) => ({
    key: network.key,
    clean: benchShares.decode(network.clean),
    broken: benchShares.decode(network.broken),
    failed: new Set(network.failed),
  }));

  // The threats that count: chosen, and attacked under by a chosen attack.
  const counted = (attacks, chosen) => chosen.threats.filter(
    (threat) => attacks.some((attack, place) => attack.threat === threat && chosen.attacks.has(place)),
  );

  // One network's numbers; null where a chosen attack under a threat that counts did not run to its end.
  const recount = (network, bits, chosen) => {
    const { images, views, attacks } = bits;
    const size = network.clean.length;
    const threats = counted(attacks, chosen);
    const clean = benchShares.count(network.clean);
    const hasFailed = attacks.some((attack, place) => chosen.attacks.has(place) && threats.includes(attack.threat) && network.failed.has(place));
    if (!threats.length || hasFailed) return { clean: [clean / images, ...benchShares.wilson(clean, images)], worst: null, average: null };
    const robust = threats.map((threat) => {
      const flags = network.clean.slice();
      views.forEach(([attack, under], view) => {
        if (under !== threat || !chosen.attacks.has(attack)) return;
        for (let place = 0; place < size; place += 1) flags[place] &= ~network.broken[view * size + place];
      });
      return flags;
    });
    const withstood = new Array(threats.length + 1).fill(0); // how many images withstand so many of the threats
    const all = robust.reduce((one, other) => one.map((byte, place) => byte & other[place]));
    for (let image = 0; image < images; image += 1) {
      let times = 0;
      for (const flags of robust) times += (flags[image >> 3] >> (7 - (image & 7))) & 1;
      withstood[times] += 1;
    }
    const worst = benchShares.count(all);
    const sum = withstood.reduce((total, number, times) => total + number * times, 0);
    return {
      right: worst,
      clean: [clean / images, ...benchShares.wilson(clean, images)],
      worst: [worst / images, ...benchShares.wilson(worst, images)],
      average: [sum / threats.length / images, ...benchShares.meanInterval(withstood)],
    };
  };
  return { unpack, counted, recount };
})();
