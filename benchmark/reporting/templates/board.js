// One leaderboard: sorting, columns, rows. Without it the table is there, ranked and complete.
const FIRST = 100; // rows that are drawn until a reader asks for all; hundreds take their time to lay out
const order = new Intl.Collator(undefined, { numeric: true }).compare;
const numbers = (words) => words.split(" ").map((word) => (word === "" || word === "–" ? null : Number(word)));

const lineOf = (own) => {
  const name = (own.querySelector("th a") ?? own.querySelector("th b")).textContent;
  const attacks = own.dataset.attacks === undefined ? [] : numbers(own.dataset.attacks);
  return { element: own, name, key: own.dataset.key, box: null, words: "", fits: true, attacks, group: null };
};

const makeBoard = (section) => {
  const table = section.querySelector("table");
  const heads = table.tHead.rows[0];
  const norms = section.dataset.norms.split(" ");
  const bodies = [...table.tBodies].map((body) => ({ body, lines: [...body.rows].map(lineOf) }));
  const [{ body: rows, lines }] = bodies;
  const references = bodies[1]?.lines ?? [];
  const groups = makeGroups(section, lines);
  const boxes = [...section.querySelectorAll(".columns input")];
  const style = document.querySelector(`style[data-columns="${table.id}"]`);
  const more = section.querySelector(".more");
  const places = new Map([...heads.cells].map((cell, place) => [cell.dataset.name, place]));
  const board = {
    limit: FIRST, section, lines, references, norms, groups, isGrouped: false, sorted: "",
    title: section.dataset.title, anchor: section.getAttribute("aria-labelledby"),
    threats: JSON.parse(section.dataset.threats), union: JSON.parse(section.dataset.union),
    place: (label) => [...heads.cells].findIndex((cell) => cell.dataset.label === label),
    placeOf: (name) => places.get(name) ?? -1,
  };
  for (const line of [...lines, ...references]) {
    const told = ["method", "architecture"].map((name) => line.element.cells[board.placeOf(name)]?.textContent.trim() ?? "");
    line.words = [line.name, ...told].join(" ").toLowerCase();
  }

  const keyOf = (line, head) => {
    if ("attack" in head.dataset) return line.attacks[head.dataset.attack] ?? null;
    const cell = line.element.cells[head.cellIndex];
    if (!head.classList.contains("number")) return cell.textContent.trim();
    return "v" in cell.dataset ? Number(cell.dataset.v) : null;
  };

  // What is not known comes last in both directions; equal values keep the order of the ranks.
  const inOrder = (own, head, ascending) => {
    const sorted = own.map((line) => [keyOf(line, head), line]);
    sorted.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const found = typeof a === "number" ? a - b : order(a, b);
      return ascending ? found : -found;
    });
    return sorted.map(([, line]) => line);
  };
  const topLines = () => (board.isGrouped ? [...groups, ...lines.filter((line) => !line.group)] : lines);
  board.sort = (head, ascending) => {
    board.order = inOrder(topLines(), head, ascending);
    const all = board.order.flatMap((line) => [line, ...(line.members ? inOrder(line.members, head, ascending) : [])]);
    rows.replaceChildren(...all.map((line) => line.element));
    if (bodies[1]) bodies[1].body.replaceChildren(...inOrder(references, head, ascending).map((line) => line.element));
    board.draw();
    for (const cell of heads.cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const isFirst = head === heads.cells[board.placeOf("rank")] && ascending;
    board.sorted = isFirst ? "" : `${ascending ? "+" : "-"}${head.dataset.name}`;
  };
  // The order that an address or nobody asks for.
  board.sortBy = (words) => {
    const head = [...heads.cells].find((cell) => cell.dataset.name === words.slice(1)) ?? heads.cells[board.placeOf("rank")];
    if (words !== board.sorted && head) board.sort(head, !words.startsWith("-"));
  };

  const makeSortable = (head) => {
    const label = head.querySelector("span");
    const button = element("button", label.textContent, { type: "button", class: "sort" });
    head.dataset.label = label.textContent;
    label.replaceWith(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      board.sort(head, now ? now === "descending" : !("high" in head.dataset));
      pageState.changed();
    });
  };

  // Columns of attacks are made when they are asked for: most pages would hold many times as many cells otherwise.
  const showAttacks = (wanted) => {
    for (const cell of [...heads.cells, ...table.querySelectorAll("td[data-attack]")]) if ("attack" in cell.dataset) cell.remove();
    for (const group of groups) for (const cell of group.element.querySelectorAll("[data-attack]")) cell.remove();
    heads.append(...wanted.map(({ value, dataset: { attack, norm } }) => {
      const title = `Accuracy against ${value} alone; it says less than Rworst`;
      const head = element("th", "", { scope: "col", class: "number", title, "data-name": `attack ${value}`, "data-attack": attack, "data-norm": norm, "data-high": "" });
      head.append(element("span", value));
      makeSortable(head);
      return head;
    }));
    for (const line of [...lines, ...groups, ...references]) {
      line.element.append(...wanted.map(({ dataset: { attack } }) => {
        return element("td", benchShares.percent(line.attacks[attack]), { class: "number", "data-attack": attack });
      }));
    }
  };

  board.showColumns = () => {
    const hidden = boxes.filter((box) => "place" in box.dataset && !box.checked);
    const selectors = hidden.map((box) => `#${table.id} tr > :nth-child(${box.dataset.place})`);
    style.textContent = selectors.length ? `${selectors.join(",")}{display:none}` : "";
    const wanted = boxes.filter((box) => "attack" in box.dataset && box.checked);
    const shown = [...heads.querySelectorAll("[data-attack]")].map((cell) => cell.dataset.attack);
    if (wanted.map((box) => box.dataset.attack).join() !== shown.join()) showAttacks(wanted);
    board.showCards();
  };
  // Cards, on a phone, have the usual columns; whoever chooses others gets a table with these.
  board.showCards = () => {
    const isUsual = boxes.every((box) => box.checked === box.defaultChecked) && (bodies[1]?.body.hidden ?? true);
    table.classList.toggle("cards", isUsual);
  };

  // One norm alone: its accuracies and its attacks, best first; of the rest only what no other norm has a part in.
  let [shownNorm, usualSort] = ["", ""];
  const usual = (box) => {
    if (!shownNorm) return box.defaultChecked;
    return box.dataset.norm ? box.dataset.norm === shownNorm : box.defaultChecked && !("overall" in box.dataset);
  };
  board.showNorm = (norm) => {
    shownNorm = norm;
    for (const box of boxes) box.checked = usual(box);
    board.showColumns();
    section.classList.toggle("one-norm", Boolean(norm));
    const first = boxes.find((box) => norm && box.dataset.norm === norm);
    const name = first ? ("attack" in first.dataset ? `attack ${first.value}` : first.value) : "rank";
    const head = [...heads.cells].find((cell) => cell.dataset.name === name);
    if (head) board.sort(head, !norm);
    usualSort = norm ? board.sorted : "";
  };
  board.usualSort = () => usualSort;
  const nameOf = (box) => ("attack" in box.dataset ? `attack ${box.value}` : box.value);
  // Columns that differ from the usual ones of the norm.
  board.chosen = () => packed(boxes.filter((box) => box.checked !== usual(box)).map(nameOf));
  board.choose = (text) => {
    const names = new Set(unpacked(text));
    for (const box of boxes) box.checked = names.has(nameOf(box)) !== usual(box);
    board.showColumns();
  };

  // Of the networks that are asked for the first ones in today's order.
  board.order = lines;
  board.draw = () => {
    let count = 0;
    for (const line of board.order) {
      count += line.fits;
      line.element.hidden = !line.fits || count > board.limit;
      for (const member of line.members ?? []) member.element.hidden = line.element.hidden || !line.isOpen || !member.fits;
    }
    more.hidden = count <= board.limit;
    more.firstElementChild.textContent = `Show all ${count} ${board.isGrouped ? "rows" : "networks"}`;
    return count;
  };
  board.drawAll = () => {
    board.limit = Infinity;
    board.draw();
  };
  more.firstElementChild.addEventListener("click", () => {
    board.drawAll();
    board.order.filter((line) => line.fits)[FIRST].element.querySelector("th a, th button").focus();
  });
  window.addEventListener("beforeprint", board.drawAll);

  board.show = (wanted, words, others) => {
    const isAsked = ["dataset", "suite"].every((name) => !wanted[name] || wanted[name] === section.dataset[name])
      && (!wanted.norm || norms.includes(wanted.norm));
    const fits = (line) => isAsked && words.every((word) => line.words.includes(word)) && others.every((other) => other(line, board));
    for (const line of lines) line.fits = fits(line);
    for (const group of groups) group.fits = group.members.some((line) => line.fits);
    board.draw();
    for (const line of references) line.element.hidden = !fits(line) || Boolean(wanted.norm && wanted.norm !== line.element.dataset.norm);
    const visible = new Set(lines.filter((line) => line.fits).map((line) => line.element.id));
    for (const point of section.querySelectorAll("svg a[data-network]")) {
      point.style.display = visible.has(point.dataset.network) ? "" : "none";
    }
    section.hidden = visible.size === 0;
    return visible.size;
  };

  board.showReferences = (isWanted) => {
    if (bodies[1]) bodies[1].body.hidden = !isWanted;
    section.querySelector(".references").hidden = !isWanted;
    board.showCards();
  };

  const sortAgain = () => {
    const head = [...heads.cells].find((cell) => cell.hasAttribute("aria-sort"));
    board.sort(head, head.getAttribute("aria-sort") === "ascending");
  };
  board.showGrouped = (isWanted) => {
    const next = isWanted && groups.length > 0;
    if (next === board.isGrouped) return;
    board.isGrouped = next;
    table.classList.toggle("grouped", next);
    for (const line of lines) line.element.classList.toggle("seed", next && line.group !== null);
    sortAgain();
  };
  const unfold = (group, isOpen) => {
    group.isOpen = isOpen;
    group.button.setAttribute("aria-expanded", String(isOpen));
  };
  board.unfolded = () => packed(groups.filter((group) => group.isOpen).map((group) => group.name));
  board.unfold = (text) => {
    const names = new Set(unpacked(text));
    for (const group of groups) unfold(group, names.has(group.name));
    if (groups.length) board.draw();
  };
  for (const group of groups) {
    group.button.addEventListener("click", () => {
      unfold(group, !group.isOpen);
      board.draw();
      pageState.changed();
    });
  }

  // What may be masked has no rank unless a reader wants it; the others' ranks then count it in.
  board.rankMasked = (isWanted) => {
    for (const { element: own } of lines) {
      const cell = own.cells[board.placeOf("rank")];
      const [without, among] = cell.dataset.ranks.split(" ");
      const rank = isWanted ? among : without;
      const evidence = `${own.querySelector("th a").getAttribute("href")}#${own.id}-masking`;
      if (rank === "–") delete cell.dataset.v;
      else cell.dataset.v = cell.dataset.order;
      const isLeftOut = rank === "–" && "masked" in own.dataset;
      cell.replaceChildren(isLeftOut ? element("a", "masked?", { class: "masked", href: evidence }) : rank);
    }
    showRanks(groups);
    if (heads.cells[board.placeOf("rank")].hasAttribute("aria-sort")) sortAgain();
  };

  for (const head of [...heads.cells]) makeSortable(head);
  heads.cells[board.placeOf("rank")].setAttribute("aria-sort", "ascending");
  const chooser = section.querySelector(".columns");
  chooser.hidden = false;
  chooser.addEventListener("change", () => {
    board.showColumns();
    pageState.changed();
  });
  showRanks(groups);
  section.classList.add("begun");
  return board;
};

// A board as a part of the page's address.
const boardState = (board) => {
  const name = (what) => `${what}.${board.anchor.replace(/^board-/, "")}`;
  return {
    read: () => ({ [name("columns")]: board.chosen(), [name("sort")]: board.sorted === board.usualSort() ? "" : board.sorted, [name("open")]: board.unfolded() }),
    write(values) {
      board.choose(values.get(name("columns")) ?? "");
      board.sortBy(values.get(name("sort")) ?? board.usualSort());
      board.unfold(values.get(name("open")) ?? "");
    },
  };
};
