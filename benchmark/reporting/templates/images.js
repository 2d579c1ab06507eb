"use strict";
const imageChunks = {}, imagePictures = {}; // filled by the files in the board's folder when an image is looked at
(() => {
  if (typeof imageBoard === "undefined") return;
  const board = imageBoard, PAGE = 100, ONLY = 100, WRONG = 255;
  const one = (selector) => document.querySelector(selector);
  const make = (tag, text = "", attributes = {}) => {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const numbers = (text, width) => {
    const raw = bytes(text);
    return width === 1 ? raw : width === 2 ? new Uint16Array(raw.buffer) : new Uint32Array(raw.buffer);
  };
  const half = (bits) => { // IEEE 754 half precision
    const exponent = (bits >> 10) & 31, fraction = bits & 1023;
    if (exponent === 31) return fraction ? NaN : Infinity;
    return exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
  };
  const className = (place) => board.classes[place] ?? `class ${place}`;
  const labels = board.labels === null ? null : numbers(board.labels, 4);
  const states = board.networks.map((network) => bytes(network.states));
  const form = one(".browser form"), list = one(".found"), table = one(".image-table tbody");
  let found = [], page = 0, shown = -1, asked = 0;

  const wanted = () => {
    const robust = form.robust.value, only = form.only.value, label = form.class.value;
    const own = [...form.querySelectorAll(".networks select")].map((select) => select.value);
    const asks = own.map((value, n) => [value, n]).filter(([value]) => value);
    return (image) => {
      if (label !== "" && labels[image] !== Number(label)) return false;
      for (const [value, n] of asks) {
        const state = states[n][image];
        if (value !== (state === 0 ? "robust" : state === WRONG ? "wrong" : "broken")) return false;
      }
      if (robust) {
        let number = 0;
        for (const each of states) number += each[image] === 0;
        if (robust !== (number === 0 ? "none" : number === states.length ? "all" : "some")) return false;
      }
      if (only) {
        const is = only === "any" ? (s) => s >= ONLY && s < WRONG : (s) => s === ONLY + Number(only);
        if (!states.some((each) => is(each[image]))) return false;
      }
      return true;
    };
  };
  const filter = () => {
    const keeps = wanted();
    found = [];
    for (let image = 0; image < board.images; image++) if (keeps(image)) found.push(image);
    page = Math.max(0, Math.floor(found.indexOf(shown) / PAGE));
    drawList();
  };
  const drawList = () => {
    const start = page * PAGE, part = found.slice(start, start + PAGE);
    list.replaceChildren(...part.map((image) => {
      const number = states.reduce((sum, each) => sum + (each[image] === 0), 0);
      const button = make("button", "", { type: "button", "data-image": image });
      button.append(make("span", `${image}${labels ? ` · ${className(labels[image])}` : ""}`),
        make("span", `robust on ${number} of ${states.length}`, { class: "quiet" }));
      if (image === shown) button.setAttribute("aria-current", "true");
      const item = make("li");
      item.append(button);
      return item;
    }));
    const what = `${found.length.toLocaleString("en")} of ${board.images.toLocaleString("en")} images`;
    form.querySelector("output").textContent = found.length > PAGE ? `${what}; here ${start + 1} to ${start + part.length}` : what;
    list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    form.before.disabled = page === 0;
    form.after.disabled = start + PAGE >= found.length;
  };
  const load = (kept, key, file) => (key in kept ? Promise.resolve() : new Promise((resolve, reject) => {
    const script = make("script", "", { src: `${board.folder}/${file}.js` });
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error(`${file}.js is missing; run bench report again`)));
    document.head.append(script);
  }));
  const picture = (source, pictures, alt) => make("img", "", { src: source, width: pictures.width, height: pictures.height, alt });
  const attacksOf = (n, chunk, row, rows, pictures) => {
    const codes = numbers(chunk[n][0], board.width), far = numbers(chunk[n][1], 2);
    const items = [];
    let tried = 0, place = 0;
    for (let at = 0; at < codes.length; at++) {
      const state = codes[at] & 3, attack = Math.floor(at / rows);
      const distance = state >= 2 ? half(far[place++]) : 0;
      if (at % rows !== row) continue;
      tried += state !== 1;
      if (state < 2) continue;
      const became = Math.floor(codes[at] / 4), label = board.attacks[attack];
      const kept = pictures?.became[`${n},${attack}`], told = became ? className(became - 1) : kept?.[1];
      const words = `${label.label}${told === undefined ? "" : ` → ${told}`} at ${Number((distance * label.epsilon).toPrecision(3))}`;
      const item = make("li", words, { title: label.threat, ...(state === 3 && { class: "beyond" }) });
      if (kept) item.append(picture(kept[0], pictures, `The image after ${label.label}`));
      items.push(item);
    }
    return [items, tried];
  };
  const drawImage = (image) => {
    const number = Math.floor(image / board.chunk), chunk = imageChunks[number], pictures = imagePictures[image];
    const row = image % board.chunk, rows = Math.min(board.chunk, board.images - number * board.chunk);
    one("#image").textContent = `Image ${image}${labels ? `, true class ${className(labels[image])}` : ""}`;
    one(".clean").replaceChildren(...(pictures ? [picture(pictures.clean, pictures, "The image as it is")] : []));
    table.replaceChildren(...board.networks.map((network, n) => {
      const line = make("tr"), name = make("th", "", { scope: "row" });
      name.append(network.page ? make("a", network.name, { href: network.page }) : network.name);
      const clean = numbers(chunk[n][2], board.width)[row], state = states[n][image];
      const answer = `${clean ? className(clean - 1) : "?"}${state === WRONG ? ", wrong" : ""}`;
      const cell = make("td", "", { "data-label": "Attacks that succeeded" });
      const [items, tried] = attacksOf(n, chunk, row, rows, pictures);
      if (items.length) {
        const became = make("ul", "", { class: "became" });
        became.append(...items);
        cell.append(became);
      } else {
        cell.append(make("span", state === WRONG ? "not needed" : `none of ${tried}`, { class: "quiet" }));
      }
      line.append(name, make("td", answer, { "data-label": "Without attack" }), cell);
      return line;
    }));
  };
  const mark = (image) => {
    shown = image;
    for (const button of list.querySelectorAll("button")) {
      if (Number(button.dataset.image) === image) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  };
  // Words of an address, or of the box for a number, that name no image.
  const refuse = (words) => {
    asked++;
    mark(-1);
    const named = words ? `No image “${words.slice(0, 20)}”` : "No image without a number";
    one("#image").textContent = `${named}: these are numbered 0 to ${(board.images - 1).toLocaleString("en")}`;
    one(".clean").replaceChildren();
    table.replaceChildren();
  };
  const show = async (image) => {
    const mine = ++asked;
    mark(image);
    form.number.value = image;
    const number = Math.floor(image / board.chunk);
    const loads = [load(imageChunks, number, number)];
    if (board.pictured.includes(image)) loads.push(load(imagePictures, image, `picture-${image}`));
    try {
      await Promise.all(loads);
      if (mine === asked) drawImage(image);
    } catch (error) {
      one("#image").textContent = error.message;
      table.replaceChildren();
    }
  };
  const go = (image) => { location.hash = `image=${image}`; };
  const step = (by) => {
    const at = found.indexOf(shown), next = found[at < 0 ? 0 : at + by];
    if (next === undefined) return;
    if (Math.floor(found.indexOf(next) / PAGE) !== page) { page = Math.floor(found.indexOf(next) / PAGE); drawList(); }
    go(next);
  };
  const read = () => {
    if (shown >= 0 && location.hash.length > 1 && !location.hash.includes("=")) return; // a link within the page
    const words = new URLSearchParams(location.hash.slice(1));
    const network = board.networks.findIndex((each) => each.key === words.get("network"));
    if (network >= 0) {
      form.querySelectorAll(".networks select")[network].value = "broken";
      form.querySelector("details").open = true;
      filter();
    }
    const named = words.get("image") ?? String(found[0] ?? 0);
    if (!/^\d{1,15}$/.test(named) || Number(named) >= board.images) refuse(named);
    else if (Number(named) !== shown) show(Number(named));
  };

  const option = (text, value) => make("option", text, { value });
  if (labels) {
    const there = [...new Set(labels)].sort((a, b) => a - b);
    form.class.append(...there.map((place) => option(className(place), place)));
  } else form.class.disabled = true;
  form.only.append(...board.attacks.map((attack, n) => option(attack.label, n)));
  form.number.max = board.images - 1;
  one(".networks").append(...board.networks.map((network) => {
    const label = make("label", network.name), select = make("select");
    select.append(option("any", ""), option("broken by an attack", "broken"), option("robust", "robust"), option("wrong without attack", "wrong"));
    label.append(select);
    return label;
  }));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    if (event.target === form.number) return go(form.number.value);
    filter();
    if (found.length && !found.includes(shown)) go(found[0]);
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    go(Number(button.dataset.image));
    if (matchMedia("(max-width: 46rem)").matches) one("#image").scrollIntoView();
  });
  form.before.addEventListener("click", () => { page--; drawList(); });
  form.after.addEventListener("click", () => { page++; drawList(); });
  one("[name=previous]").addEventListener("click", () => step(-1));
  one("[name=next]").addEventListener("click", () => step(1));
  window.addEventListener("hashchange", read);
  one(".browser").hidden = false;
  filter();
  read();
})();
