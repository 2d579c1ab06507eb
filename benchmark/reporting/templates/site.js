"use strict";
// Sorting, searching, filtering and choosing columns. Without this script every table is there, ranked, and complete.
(() => {
  const tools = document.querySelector(".tools");
  const boards = [...document.querySelectorAll(".board")];
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.classList.contains("number") || cell.classList.contains("accuracy")
      ? ("v" in cell.dataset ? Number(cell.dataset.v) : null)
      : cell.textContent.trim();
  };

  // What is not known comes last in both directions; equal values keep the order they had.
  const sort = (table, column, ascending) => {
    const rows = [...table.tBodies[0].rows].map((row) => [value(row, column), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const order = typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
      return ascending ? order : -order;
    });
    table.tBodies[0].append(...rows.map(([, row]) => row));
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      if (index === column) head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
  };

  const makeSortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      const isBestHigh = head.classList.contains("number") && head.textContent !== "Rank";
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        sort(table, column, now ? now === "descending" : !isBestHigh);
      });
    });
    table.tHead.rows[0].cells[0].setAttribute("aria-sort", "ascending");
  };

  const makeChoosable = (board) => {
    const chooser = board.querySelector(".columns");
    const table = board.querySelector("table");
    const style = document.querySelector(`style[data-columns="${board.querySelector("h2").id}"]`);
    chooser.hidden = false;
    chooser.addEventListener("change", () => {
      const hidden = [...chooser.querySelectorAll("input:not(:checked)")];
      const places = hidden.map((box) => `#${table.id} tr > :nth-child(${box.value})`);
      style.textContent = places.length ? `${places.join(",")}{display:none}` : "";
    });
  };

  const filter = () => {
    const wanted = Object.fromEntries(new FormData(tools));
    const words = (wanted.words || "").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    let all = 0;
    for (const board of boards) {
      const isAsked = ["dataset", "suite"].every((name) => !wanted[name] || wanted[name] === board.dataset[name]);
      let here = 0;
      for (const row of board.querySelector("tbody").rows) {
        const text = `${row.cells[1].firstElementChild.textContent} ${row.dataset.method} ${row.dataset.architecture}`.toLowerCase();
        const isShown = isAsked && words.every((word) => text.includes(word))
          && ["method", "architecture"].every((name) => !wanted[name] || wanted[name] === row.dataset[name]);
        row.hidden = !isShown;
        here += isShown;
        all += 1;
      }
      const visible = new Set([...board.querySelectorAll("tbody tr:not([hidden])")].map((row) => row.id));
      for (const point of board.querySelectorAll("svg a[data-network]")) {
        point.style.display = visible.has(point.dataset.network) ? "" : "none";
      }
      board.hidden = here === 0;
      shown += here;
    }
    tools.querySelector("output").value = shown === all ? `${all} networks` : `${shown} of ${all} networks`;
  };

  boards.forEach((board) => {
    makeSortable(board.querySelector("table"));
    makeChoosable(board);
  });
  tools.hidden = false;
  for (const event of ["input", "change"]) tools.addEventListener(event, filter);
  tools.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
