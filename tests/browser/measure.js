// What a person would see, measured on the styles that the browser computed.

function colour(text) {
  const numbers = (text.match(/[\d.]+/g) || []).map(Number);
  if (text.startsWith("color(srgb")) return [...numbers.slice(0, 3).map((n) => n * 255), numbers[3] ?? 1];
  return [...numbers.slice(0, 3), numbers[3] ?? 1];
}

const over = (top, under) => top.slice(0, 3).map((n, i) => n * top[3] + under[i] * (1 - top[3]));

function background(element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const layer = colour(getComputedStyle(at).backgroundColor);
    layers.push(layer);
    if (layer[3] === 1) break;
  }
  return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
}

function ground(element) {
  const picture = element.closest("svg");
  if (!picture) return background(element);
  const node = element.closest(".node");
  const shape = node ? node.querySelector(".box") : picture.querySelector(".paper");
  return colour(getComputedStyle(shape).fill);
}

// WCAG 2.1, relative luminance and contrast ratio
function luminance(rgb) {
  const [r, g, b] = rgb.slice(0, 3).map((n) => (n / 255 <= 0.04045 ? n / 255 / 12.92 : ((n / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(element) {
  const style = getComputedStyle(element);
  const under = ground(element);
  const ink = over(colour(element.closest("svg") ? style.fill : style.color), under);
  const [dark, light] = [luminance(ink), luminance(under)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function seen(element) {
  const box = element.getBoundingClientRect();
  return element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && box.width > 1 && box.height > 1;
}

function written() {
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  const found = new Set(document.querySelectorAll("input, button"));
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (walker.currentNode.textContent.trim() && !element.closest("style, script, title, desc, noscript")) found.add(element);
  }
  return [...found].filter(seen);
}

// how many texts there are, and those of too little contrast
function contrasts() {
  const texts = written();
  const faint = texts.map((e) => [e.textContent.trim().slice(0, 40), Math.round(contrast(e) * 100) / 100]);
  return { count: texts.length, faint: faint.filter(([, ratio]) => ratio < 4.5) };
}

const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);

// what sticks out of the page, or is cut off by something that does not scroll
function overflowing() {
  const width = document.documentElement.clientWidth;
  const found = [];
  if (document.documentElement.scrollWidth > width) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const element of written()) {
    let at = element;
    while (at && !scrolls(at)) at = at.parentElement;
    if (at) continue;
    const box = element.getBoundingClientRect();
    if (box.right > width + 1 || (box.left < -1 && box.right > 0)) found.push(`${element.tagName} ${element.textContent.trim().slice(0, 40)}`);
  }
  return found;
}

// formulas whose parts lie outside of them, as where a long name is broken into two lines
function spilled() {
  const found = [];
  for (const math of [...document.querySelectorAll("math")].filter(seen)) {
    const box = math.getBoundingClientRect();
    const out = [...math.querySelectorAll("mi, mn, mo, mtext")].some((leaf) => {
      const own = leaf.getBoundingClientRect();
      return own.left < box.left - 3 || own.right > box.right + 3;
    });
    const broken = [...math.querySelectorAll("mi, mn, mtext")].some((leaf) => {
      const range = document.createRange();
      range.selectNodeContents(leaf);
      return new Set([...range.getClientRects()].map((line) => Math.round(line.top))).size > 1;
    });
    if (out || broken) found.push(math.textContent.slice(0, 60));
  }
  return found;
}

// what the edge of the paper or of a box would cut off in print
function cutOff() {
  const width = document.documentElement.clientWidth;
  const found = [];
  for (const element of document.querySelectorAll("table, tr, svg, math, pre, p, dl")) {
    if (!seen(element)) continue;
    const box = element.getBoundingClientRect();
    if (box.right > width + 1) found.push(`${element.tagName} ${element.textContent.trim().slice(0, 40)} to ${box.right}`);
    for (let at = element.parentElement; at; at = at.parentElement) {
      const clips = getComputedStyle(at).overflowX !== "visible" && at !== document.documentElement && at !== document.body;
      if (clips && box.right > at.getBoundingClientRect().right + 1) found.push(`${element.tagName} within ${at.className}`);
    }
  }
  return found;
}

// rows that are not shown, or that a page break may split
function brokenRows() {
  return [...document.querySelectorAll("tbody tr")]
    .filter((row) => !seen(row) || getComputedStyle(row).breakInside !== "avoid")
    .map((row) => row.textContent.trim().slice(0, 60));
}

// texts of a picture that are wider than their box, and labels of edges that lie over a box
function crowded() {
  const found = [];
  const boxes = [...document.querySelectorAll(".node")].map((node) => [node, node.querySelector(".box").getBoundingClientRect()]);
  for (const [node, box] of boxes) {
    for (const text of node.querySelectorAll("text")) {
      const own = text.getBoundingClientRect();
      if (own.left < box.left || own.right > box.right || own.top < box.top - 1 || own.bottom > box.bottom + 1) {
        found.push(`${text.textContent} in ${node.textContent}`);
      }
    }
  }
  for (const label of document.querySelectorAll(".partial")) {
    const own = label.getBoundingClientRect();
    for (const [node, box] of boxes) {
      if (own.right > box.left && own.left < box.right && own.bottom > box.top + 1 && own.top < box.bottom - 1) {
        found.push(`${label.textContent} over ${node.textContent}`);
      }
    }
  }
  return found;
}
