// What the form of the page asks for, and whether a line of a board fits.
const UNITS = { "": 1, k: 1e3, m: 1e6, g: 1e9, s: 1, min: 60, h: 3600, d: 86400 };

// "11M", "63 k", "5 min" → a number; null for what is none.
const amount = (words) => {
  const found = /^\s*(\d+(?:[.,]\d+)?)\s*([a-z]*)\s*$/i.exec(words);
  const unit = found ? UNITS[found[2].toLowerCase()] : undefined;
  return unit === undefined ? null : Number(found[1].replace(",", ".")) * unit;
};

const reads = {
  words: (cell) => cell.textContent.trim() || "–",
  number: (cell) => ("v" in cell.dataset ? Number(cell.dataset.v) : null),
};

// The form's controls that are about columns and ask for something, as functions of a line and its board.
const columnFilters = (form) => [...form.elements].filter((control) => control.dataset.column && control.value).map((control) => {
  const { column, end } = control.dataset;
  const limit = end ? amount(control.value) : null;
  if (end) control.setAttribute("aria-invalid", String(limit === null));
  return (line, board) => {
    const cell = line.element.cells[board.placeOf(column)];
    if (!end) return cell !== undefined && reads.words(cell) === control.value;
    const value = cell === undefined ? null : reads.number(cell);
    return limit === null || (value !== null && (end === "from" ? value >= limit : value <= limit));
  };
});

// The form as a part of the page's address: only what is not as it was at first.
const formState = (form, show) => {
  const controls = () => [...form.elements].filter((control) => control.name);
  return {
    read: () => Object.fromEntries(controls().map((control) => (control.type === "checkbox"
      ? [control.name, control.checked === control.defaultChecked ? "" : control.checked ? "yes" : "no"]
      : [control.name, control.value]))),
    write(values) {
      for (const control of controls()) {
        const value = values.get(control.name) ?? "";
        if (control.type === "checkbox") control.checked = value ? value === "yes" : control.defaultChecked;
        else if (control.tagName !== "SELECT" || [...control.options].some((option) => option.value === value)) control.value = value;
        else control.value = "";
        if (value && control.closest("details")) control.closest("details").open = true;
      }
      show();
    },
  };
};
