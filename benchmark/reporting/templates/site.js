// Sorting, searching, filtering, choosing columns and networks. Without it every table is there, ranked, and complete.
(() => {
  const FIRST = 100; // rows that are drawn until a reader asks for all; hundreds take their time to lay out
  const tools = document.querySelector(".tools");
  const order = new Intl.Collator(undefined, { numeric: true }).compare;
  const numbers = (words) => words.split(" ").map((word) => (word === "" || word === "–" ? null : Number(word)));

  // A fraction as a percentage; halves go to the even digit, as they do in the tables made elsewhere.
  const percent = (fraction) => {
    const value = 100 * fraction;
    const isHalf = (4 * value) % 2 === 1;
    return isHalf ? `${Math.floor(value)}.${value % 1 === 0.25 ? 2 : 8}` : value.toFixed(1);
  };

  const makeBoard = (section) => {
    const table = section.querySelector("table");
    const heads = table.tHead.rows[0];
    const norms = section.dataset.norms.split(" ");
    const lineOf = (element) => {
      const link = element.querySelector("th a");
      const name = (link ?? element.querySelector("th b")).textContent;
      const { method = "", architecture = "" } = element.dataset;
      return {
        element, name, method, architecture, key: element.dataset.key, box: null,
        words: `${name} ${method} ${architecture}`.toLowerCase(), fits: true,
        attacks: element.dataset.attacks === undefined ? [] : numbers(element.dataset.attacks),
      };
    };
    const bodies = [...table.tBodies].map((body) => ({ body, lines: [...body.rows].map(lineOf) }));
    const [{ lines }] = bodies;
    const references = bodies[1]?.lines ?? [];
    const boxes = [...section.querySelectorAll(".columns input")];
    const style = document.querySelector(`style[data-columns="${table.id}"]`);
    const more = section.querySelector(".more");
    const board = {
      limit: FIRST, section, lines, references, norms, title: section.dataset.title, anchor: section.getAttribute("aria-labelledby"),
      threats: JSON.parse(section.dataset.threats), union: JSON.parse(section.dataset.union),
      place: (label) => [...heads.cells].findIndex((cell) => cell.dataset.label === label),
    };

    const keyOf = (line, head) => {
      if ("attack" in head.dataset) return line.attacks[head.dataset.attack] ?? null;
      const cell = line.element.cells[head.cellIndex];
      if (!head.classList.contains("number")) return cell.textContent.trim();
      return "v" in cell.dataset ? Number(cell.dataset.v) : null;
    };

    // What is not known comes last in both directions; equal values keep the order of the ranks.
    board.sort = (head, ascending) => {
      for (const { body, lines: own } of bodies) {
        const sorted = own.map((line) => [keyOf(line, head), line]);
        sorted.sort(([a], [b]) => {
          if (a === null || b === null) return (a === null) - (b === null);
          const found = typeof a === "number" ? a - b : order(a, b);
          return ascending ? found : -found;
        });
        body.replaceChildren(...sorted.map(([, line]) => line.element));
        if (own === lines) board.order = sorted.map(([, line]) => line);
      }
      board.draw();
      for (const cell of heads.cells) cell.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    };

    const makeSortable = (head) => {
      const button = element("button", head.textContent, { type: "button" });
      head.dataset.label = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        board.sort(head, now ? now === "descending" : !("high" in head.dataset));
      });
    };

    // Columns of attacks are made when they are asked for: most pages would hold many times as many cells otherwise.
    const showAttacks = (wanted) => {
      for (const cell of table.querySelectorAll("[data-attack]")) cell.remove();
      heads.append(...wanted.map(({ dataset: { attack, norm } }) => {
        const label = boxes.find((box) => box.dataset.attack === attack).parentElement.textContent.trim();
        const head = element("th", label, { scope: "col", class: "number", "data-attack": attack, "data-norm": norm, "data-high": "" });
        makeSortable(head);
        return head;
      }));
      for (const line of [...lines, ...references]) {
        line.element.append(...wanted.map(({ dataset: { attack } }) => {
          const value = line.attacks[attack] ?? null;
          return element("td", value === null ? "–" : percent(value), { class: "number", "data-attack": attack });
        }));
      }
    };

    board.showColumns = () => {
      const hidden = boxes.filter((box) => "place" in box.dataset && !box.checked);
      const places = hidden.map((box) => `#${table.id} tr > :nth-child(${box.dataset.place})`);
      style.textContent = places.length ? `${places.join(",")}{display:none}` : "";
      const wanted = boxes.filter((box) => "attack" in box.dataset && box.checked);
      const shown = [...heads.querySelectorAll("[data-attack]")].map((cell) => cell.dataset.attack);
      if (wanted.map((box) => box.dataset.attack).join() !== shown.join()) showAttacks(wanted);
    };

    // One norm alone: its accuracies and its attacks, best first; of the rest only what no other norm has a part in.
    board.showNorm = (norm) => {
      for (const box of boxes) {
        const isAbout = box.dataset.norm ? box.dataset.norm === norm : box.defaultChecked && !("overall" in box.dataset);
        box.checked = norm ? isAbout : box.defaultChecked;
      }
      board.showColumns();
      section.classList.toggle("one-norm", Boolean(norm));
      const first = boxes.find((box) => norm && box.dataset.norm === norm);
      const place = board.place(first ? first.parentElement.textContent.trim() : "Rank");
      if (place >= 0) board.sort(heads.cells[place], !norm);
    };

    // Of the networks that are asked for the first ones in today's order.
    board.order = lines;
    board.draw = () => {
      let count = 0;
      for (const line of board.order) {
        count += line.fits;
        line.element.hidden = !line.fits || count > board.limit;
      }
      more.hidden = count <= board.limit;
      more.firstElementChild.textContent = `Show all ${count} networks`;
      return count;
    };
    board.drawAll = () => {
      board.limit = Infinity;
      board.draw();
    };
    more.firstElementChild.addEventListener("click", () => {
      board.drawAll();
      board.order.filter((line) => line.fits)[FIRST].element.querySelector("th a").focus();
    });
    window.addEventListener("beforeprint", board.drawAll);

    board.show = (wanted, words) => {
      const isAsked = ["dataset", "suite"].every((name) => !wanted[name] || wanted[name] === section.dataset[name])
        && (!wanted.norm || norms.includes(wanted.norm));
      const fits = (line) => isAsked && words.every((word) => line.words.includes(word))
        && ["method", "architecture"].every((name) => !wanted[name] || wanted[name] === line[name]);
      for (const line of lines) line.fits = fits(line);
      const count = board.draw();
      for (const line of references) line.element.hidden = !fits(line) || Boolean(wanted.norm && wanted.norm !== line.element.dataset.norm);
      const visible = new Set(lines.filter((line) => line.fits).map((line) => line.element.id));
      for (const point of section.querySelectorAll("svg a[data-network]")) {
        point.style.display = visible.has(point.dataset.network) ? "" : "none";
      }
      section.hidden = count === 0;
      return count;
    };

    board.showReferences = (isWanted) => {
      if (bodies[1]) bodies[1].body.hidden = !isWanted;
      section.querySelector(".references").hidden = !isWanted;
    };

    // What may be masked has no rank unless a reader wants it; the others' ranks then count it in.
    board.rankMasked = (isWanted) => {
      for (const { element: own } of lines) {
        const cell = own.cells[0];
        const [without, among] = cell.dataset.ranks.split(" ");
        const rank = isWanted ? among : without;
        const evidence = `${own.querySelector("th a").getAttribute("href")}#${own.id}-masking`;
        if (rank === "–") delete cell.dataset.v;
        else cell.dataset.v = cell.dataset.order;
        const isLeftOut = rank === "–" && among !== "–";
        cell.replaceChildren(isLeftOut ? element("a", "masked?", { class: "masked", href: evidence }) : rank);
      }
      const direction = heads.cells[0].getAttribute("aria-sort");
      if (direction) board.sort(heads.cells[0], direction === "ascending");
    };

    board.makePickable = (change) => {
      for (const line of lines) {
        line.box = element("input", "", { type: "checkbox", class: "pick", autocomplete: "off", "aria-label": `Compare ${line.name}`, title: "Compare" });
        line.element.querySelector("th").prepend(line.box);
        line.box.addEventListener("change", () => change(board, line));
      }
    };

    for (const head of [...heads.cells]) makeSortable(head);
    heads.cells[0].setAttribute("aria-sort", "ascending");
    const chooser = section.querySelector(".columns");
    chooser.hidden = false;
    chooser.addEventListener("change", board.showColumns);
    board.showColumns();
    return board;
  };

  const boards = [...document.querySelectorAll(".board")].map(makeBoard);
  const total = boards.reduce((sum, board) => sum + board.lines.length, 0);
  const isMaskedRanked = () => Boolean(tools.elements.masked?.checked);
  let norm = "";
  let masked = isMaskedRanked();

  const filter = () => {
    const wanted = Object.fromEntries(new FormData(tools));
    const words = (wanted.words || "").toLowerCase().split(/\s+/).filter(Boolean);
    if ((wanted.norm || "") !== norm) {
      norm = wanted.norm || "";
      for (const board of boards) board.showNorm(board.norms.includes(norm) ? norm : "");
    }
    if (isMaskedRanked() !== masked) {
      masked = isMaskedRanked();
      for (const board of boards) board.rankMasked(masked);
    }
    let shown = 0;
    for (const board of boards) {
      board.showReferences(Boolean(wanted.references));
      shown += board.show(wanted, words);
    }
    tools.querySelector("output").value = shown === total ? `${total} networks` : `${shown} of ${total} networks`;
  };

  const bar = document.querySelector(".picked");
  let picked = [];
  const showPicked = (problem = "") => {
    bar.hidden = picked.length === 0;
    bar.querySelector("output").value = problem || picked.map((line) => line.name).join(", ");
    bar.querySelector(".open").disabled = picked.length < 2;
  };
  const drop = (lines) => lines.forEach((line) => { line.box.checked = false; });
  const pick = (board, line) => {
    const own = picked.filter((other) => other.board === board && other.line !== line);
    drop(picked.filter((other) => other.board !== board).map((other) => other.line));
    const isFull = line.box.checked && own.length === MOST;
    if (isFull) drop([line]);
    picked = line.box.checked ? [...own, { board, line, name: line.name }] : own;
    showPicked(isFull ? `${MOST} networks at most` : "");
  };
  bar.querySelector(".open").addEventListener("click", () => showComparison(picked[0].board, picked.map(({ line }) => line)));
  bar.querySelector(".clear").addEventListener("click", () => {
    drop(picked.map(({ line }) => line));
    picked = [];
    showPicked();
  });

  for (const board of boards) board.makePickable(pick);
  tools.hidden = false;
  for (const event of ["input", "change"]) tools.addEventListener(event, filter);
  tools.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
