// What a reader has chosen stands in the address behind "#", so that a link shows the same and "back" undoes a step.
// A part of the page takes part by `pageState.add({ read, write })`: `read` returns values by names, "" for what is as at
// first, `write` gets all values of an address (URLSearchParams) and shows its own. After a change by the reader it calls
// `pageState.changed()`; `pageState.changed(false)` where that is no step of its own, such as a letter typed.
const pageState = (() => {
  const parts = [];
  let isBusy = false;
  const told = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");

  // In words of the address; what no part here knows stays as it is.
  const words = () => {
    const values = told();
    for (const part of parts) {
      for (const [name, value] of Object.entries(part.read())) {
        if (value) values.set(name, value);
        else values.delete(name);
      }
    }
    return values.toString();
  };
  const write = (some) => {
    isBusy = true;
    try {
      for (const part of some) part.write(told());
    } finally {
      isBusy = false;
    }
  };
  // The hash of an anchor, such as that of a link within the page, is no choice, and none is undone by it.
  window.addEventListener("popstate", () => {
    if (location.hash.length < 2 || location.hash.includes("=")) write(parts);
  });

  const address = () => {
    const [page] = location.href.split("#");
    const found = words();
    return found ? `${page}#${found}` : page;
  };
  return {
    address,
    add(part) {
      parts.push(part);
      if (location.hash.includes("=")) write([part]);
    },
    changed(isStep = true) {
      if (isBusy) return;
      const next = address();
      const isAnchor = location.hash.length > 1 && !location.hash.includes("=");
      if (next === location.href || (isAnchor && !next.includes("#"))) return;
      history[isStep ? "pushState" : "replaceState"](null, "", next);
    },
  };
})();

// Lists in an address: whatever the names in them are.
const packed = (names) => names.map(encodeURIComponent).join(",");
const unpacked = (text) => (text ? text.split(",").flatMap((name) => {
  try {
    return [decodeURIComponent(name)];
  } catch {
    return [];
  }
}) : []);
