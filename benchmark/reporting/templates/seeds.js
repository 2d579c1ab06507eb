// Seeds of one method as one row, which unfolds to its networks. The rows were computed with the page.
const rangeOf = (words) => {
  const ends = words.split("–").map(Number);
  return ends.every((end) => end > 0) ? [ends[0], ends.at(-1)] : null;
};

const meanOfAttacks = (members) => members[0].attacks.map((_, number) => {
  const values = members.map((line) => line.attacks[number]);
  return values.includes(null) ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
});

// The rows of the template beside a board, as lines of it; each knows its members, and they know it.
const makeGroups = (section, lines) => {
  const byKey = new Map(lines.map((line) => [line.key, line]));
  const rows = section.querySelector("template.seeds")?.content.cloneNode(true).querySelectorAll("tr") ?? [];
  return [...rows].map((own) => {
    const button = own.querySelector(".unfold");
    const members = own.dataset.members.split(" ").map((key) => byKey.get(key));
    const line = { element: own, name: button.textContent, members, button, isOpen: false, fits: true, attacks: meanOfAttacks(members) };
    for (const member of members) {
      member.group = line;
      member.element.classList.add("seed");
    }
    return line;
  });
};

// Ranks are of networks: a method's row says between which those of its seeds are.
const showRanks = (groups) => {
  for (const { element: own, members } of groups) {
    const cell = own.querySelector(".rank");
    const ranges = members.map((line) => rangeOf(line.element.querySelector(".rank").textContent.trim()));
    const known = ranges.filter(Boolean);
    const [low, high] = [Math.min(...known.map(([first]) => first)), Math.max(...known.map(([, last]) => last))];
    cell.textContent = known.length < ranges.length ? "–" : low === high ? String(low) : `${low}–${high}`;
    cell.title = "The ranks that the networks of these seeds may have";
  }
};
