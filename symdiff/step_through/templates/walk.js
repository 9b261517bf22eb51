"use strict";
// Walks through the rows of the tables: what a step shows is copied from its row, so that both say the same.
(() => {
  const by = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const main = document.querySelector("main");
  const output = Number(main.dataset.output);
  const total = Number(main.dataset.total);
  const answers = JSON.parse(main.dataset.adjoints);
  const arrays = main.dataset.top || null; // what is differentiated, in a trace of arrays
  const entries = JSON.parse(main.dataset.entries || "[]"); // of arrays: in words, which entry is asked for
  const boxes = main.dataset.boxes ? main.dataset.boxes.split(" ").map(Number) : null;
  const boxOf = (node) => (boxes ? boxes[node] : node);
  const picture = document.querySelector(".picture");
  const nodes = all(".symdiff-picture .node").map((g) => ({
    g,
    value: g.querySelector(".value"),
    adjoint: boxes ? null : g.querySelector(".adjoint"),
  }));
  for (const box of nodes) box.final = box.adjoint ? box.adjoint.textContent : "";
  const edges = all(".symdiff-picture .edge").map((g) => ({
    g,
    from: Number(g.dataset.from),
    to: Number(g.dataset.to),
    partial: boxes ? null : g.querySelector(".partial"),
  }));

  // the steps: the inputs, every row of the two tables, the result
  const read = (row) => {
    const back = "t" in row.dataset;
    return { row, back, node: Number(row.dataset.n), to: back ? Number(row.dataset.t) : null, cells: row.cells };
  };
  const steps = [null, ...all("tr[data-n]").map(read), null];
  const last = steps.length - 1;
  const computed = new Map(); // node -> the step that computes it
  const arrivals = new Map(); // node -> the steps that hand something to it
  steps.forEach((step, i) => {
    if (!step) return;
    if (!step.back) computed.set(step.node, i);
    else arrivals.set(step.to, [...(arrivals.get(step.to) || []), i]);
  });
  const text = (cell) => cell.textContent.trim();
  // of an array what fits into a box, and what can be read aloud
  const short = (cell) => cell.dataset.short || text(cell);
  const said = (cell) => (cell.dataset.shape ? `an array of ${cell.dataset.shape}` : text(cell));
  const copy = (cell) => {
    const made = document.createElement("span");
    made.append(...[...cell.childNodes].map((child) => child.cloneNode(true)));
    return made;
  };
  const line = (...parts) => {
    const made = document.createElement("div");
    made.append(...parts);
    return made;
  };
  const toggle = (element, name, on) => element && element.classList.toggle(name, on);

  const TERMS = 12; // of a sum that is written out, or asked for
  let at = 0;
  let asked = null; // the node of the question, while the quiz is on

  function draw(values, adjointOf, now, goal, edge) {
    nodes.forEach(({ g, value, adjoint }, k) => {
      toggle(g, "now", k === now);
      toggle(g, "goal", k === goal);
      if (boxes) return;
      toggle(value, "later", !values(k));
      if (!adjoint) return;
      const shown = adjointOf(k);
      toggle(adjoint, "later", shown === null);
      if (shown !== null) adjoint.textContent = shown;
    });
    edges.forEach((e) => {
      toggle(e.g, "now", edge(e));
      toggle(e.partial, "later", !values(e.to));
    });
  }

  function bring(box) {
    if (!box || !box.g) return;
    const inner = box.g.getBoundingClientRect();
    const outer = picture.getBoundingClientRect();
    const wish = (low, high, from, to) => (low < from + 30 || high > to - 30 ? (low + high - from - to) / 2 : 0);
    picture.scrollLeft += wish(inner.left, inner.right, outer.left, outer.right);
    picture.scrollTop += wish(inner.top, inner.bottom, outer.top, outer.bottom);
  }

  // the k-th product from a node to the same operand belongs to the k-th edge between them
  function edgeOf(step, i) {
    const earlier = arrivals.get(step.to).filter((j) => j < i && steps[j].node === step.node).length;
    return edges.filter((e) => e.from === boxOf(step.to) && e.to === boxOf(step.node))[boxes ? 0 : earlier];
  }

  function soFar(node, i) {
    const arrived = (arrivals.get(node) || []).filter((j) => j <= i);
    return arrived.length ? steps[arrived[arrived.length - 1]].cells[6] : null;
  }

  const complete = (node, i) => (arrivals.get(node) || []).every((j) => j <= i);

  function explain(step, i) {
    if (step === null && i === 0) return ["The inputs", [line("Every value is computed from these.")], "the inputs"];
    if (step === null) {
      return ["The gradient", [line("Nothing is left to hand back: the adjoints of the inputs are the gradient.")], "the gradient"];
    }
    const cells = step.cells;
    if (!step.back) {
      const numbers = text(cells[3]) ? [" = ", copy(cells[3])] : [];
      const lines = [line(copy(cells[1]), " = ", copy(cells[2]), ...numbers, " = ", copy(cells[4]))];
      const partials = [...cells[5].children];
      if (partials.length) {
        const word = document.createElement("p");
        word.className = "quiet";
        word.textContent = "Local partials, kept for the way back:";
        lines.push(word, ...partials.map((p) => p.cloneNode(true)));
      }
      return [`Forward: ${text(cells[1])}`, lines, `forward, ${text(cells[1])} is ${said(cells[4])}`];
    }
    const [, from, to, rule, numbers, adds] = cells;
    if (step.node === step.to) {
      const of = !arrays || arrays === text(to) ? "output in itself" : "sum of the output's entries in each of them";
      const told = line(`The derivative of the ${of} is 1: here the way back starts.`);
      return ["Backward: the start", [line(copy(rule), " = ", copy(adds)), told], `backward, the adjoint of the output is ${said(adds)}`];
    }
    const forward = steps[computed.get(step.node)];
    const partials = forward ? [...forward.cells[5].children].filter((p) => Number(p.dataset.t) === step.to) : [];
    const mine = arrivals.get(step.to).filter((j) => j <= i);
    const nth = mine.filter((j) => steps[j].node === step.node).length - 1;
    // of arrays the rule has a line of its own, and it may have no numbers
    const lines = arrays
      ? [line(copy(rule)), line(...(text(numbers) && text(numbers) !== text(adds.firstChild) ? ["= ", copy(numbers)] : []), " = ", copy(adds))]
      : [line(copy(rule), " = ", copy(numbers), " = ", text(adds))];
    if (partials[nth]) lines.push(line("with ", copy(partials[nth])));
    const terms = mine.slice(-TERMS).map((j) => steps[j].cells[5]);
    const skipped = mine.length - terms.length;
    const sum = terms.flatMap((term, k) => {
      const bracket = (k || skipped) && text(term).startsWith("−") && !term.dataset.shape;
      return [k ? " + " : "", ...(bracket ? ["(", copy(term), ")"] : [copy(term)])];
    });
    if (skipped) sum.unshift(`${skipped} more + `);
    const done = complete(step.to, i);
    const arrived = mine.length > 1 ? [...sum, " = ", copy(soFar(step.to, i))] : [copy(soFar(step.to, i))];
    const end = done ? "That was all: its adjoint is complete." : "More is to come.";
    const told = line(`Arrived at ${text(to)} so far: `, ...arrived, `. ${end}`);
    told.className = "arrived";
    lines.push(told);
    const product = arrays ? said(adds) : `${text(numbers)} is ${text(adds)}; so far ${text(soFar(step.to, i))}`;
    const spoken = `backward, from ${text(from)} to ${text(to)}: ${product}`;
    return [`Backward: from ${text(from)} to ${text(to)}`, lines, done ? `${spoken}, complete` : spoken];
  }

  // a button that is disabled would lose the focus of the keyboard
  const idle = (ids, on) => ids.forEach((id) => by(id).setAttribute("aria-disabled", String(on)));

  function show(i, aloud = true) {
    at = Math.max(0, Math.min(last, i));
    const step = steps[at];
    const [heading, lines, spoken] = explain(step, at);
    by("heading").textContent = heading;
    by("rule").replaceChildren(...lines);
    const number = step ? text(step.cells[0]) : at ? total : 1;
    const phase = step ? (step.back ? "backward" : "forward") : at ? "result" : "inputs";
    by("position").textContent = `Step ${number} of ${total}, ${phase}`;
    by("slider").value = at + 1;
    by("slider").setAttribute("aria-valuetext", `step ${number} of ${total}, ${spoken}`);
    if (aloud) by("spoken").textContent = `Step ${number} of ${total}: ${spoken}.`;
    idle(["first", "back"], at === 0);
    idle(["next", "last"], at === last);
    all("tr.now").forEach((row) => row.classList.remove("now"));
    if (step) step.row.classList.add("now");
    const edge = step && step.back && step.node !== step.to ? edgeOf(step, at) : null;
    draw(
      (node) => !computed.has(node) || computed.get(node) <= at,
      (node) => (at === last ? nodes[node].final : soFar(node, at) === null ? null : `∂ ${short(soFar(node, at))}`),
      step ? boxOf(step.node) : -1,
      step && step.back ? boxOf(step.to) : -1,
      (e) => (step && !step.back && !boxes ? e.to === step.node : e === edge),
    );
    all("[data-of]").forEach((dd) => {
      const node = Number(dd.dataset.of);
      const known = soFar(node, at);
      toggle(dd, "none", at !== last && known === null);
      const whole = known === null || at === last || complete(node, at);
      dd.replaceChildren(known === null ? (at === last ? "0" : "nothing yet") : copy(known), whole ? "" : " + …");
    });
    if (step) bring(nodes[boxOf(step.back ? step.to : step.node)]);
    else picture.scrollLeft = at ? picture.scrollWidth : 0;
  }

  // The quiz asks back to front, as the pass goes: what stands behind the node asked for is known already.
  const questions = [...arrivals.keys()].filter((node) => node !== output && answers[node] !== null && arrivals.get(node).length <= TERMS,
  );
  questions.sort((a, b) => (computed.has(b) ? b : -1) - (computed.has(a) ? a : -1) || a - b);
  const tally = { right: 0, done: 0, place: 0, tries: 0, closed: false };
  const description = document.querySelector(".symdiff-picture desc");
  const described = description ? description.textContent : "";

  const handed = () => arrivals.get(asked).map((j) => steps[j]);
  const digits = (value) => String(Number(value.toPrecision(5))).replaceAll("-", "−");
  const amount = (written) => Number(written.replace("−", "-").replace("∞", "Infinity"));
  const worth = (cell) => ("entry" in cell.dataset ? Number(cell.dataset.entry) : amount(text(cell)));
  const largest = () => Math.max(...handed().map((step) => Math.abs(worth(step.cells[5]))));

  function ask() {
    asked = questions[tally.place % questions.length];
    Object.assign(tally, { tries: 0, closed: false });
    const row = handed()[0];
    const outputName = arrays || text(steps[arrivals.get(output)[0]].cells[2]);
    const entry = entries[asked] ? `${entries[asked]} of ` : "";
    by("asked").replaceChildren(`${entry}∂${outputName}/∂${text(row.cells[2])}`);
    by("answer").value = "";
    by("feedback").replaceChildren(...(boxes || arrays ? products(true) : []));
    by("score").textContent = tally.done ? `Right at the first try: ${tally.right} of ${tally.done}` : "";
    paint();
    bring(nodes[boxOf(asked)]);
    by("answer").focus({ preventScroll: true });
  }

  function paint() {
    const order = new Map(questions.map((node, k) => [node, k]));
    const known = (node) => node === output || (order.has(node) ? order.get(node) < order.get(asked) : true);
    draw(
      () => true,
      (node) => (node === asked && !tally.closed ? "∂ ?" : node === asked || known(node) ? nodes[node].final : null),
      boxOf(asked),
      -1,
      (e) => !boxes && e.from === asked,
    );
  }

  const products = (inNumbers) =>
    handed().map((step) => {
      const numbers = inNumbers && text(step.cells[4]) ? [" = ", copy(step.cells[4])] : [];
      return line(copy(step.cells[3]), ...numbers);
    });

  function number(written) {
    const parts = written.trim().replaceAll("−", "-").split("/").map((part) => part.trim());
    const plain = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
    if (parts.length > 2 || !parts.every((part) => plain.test(part))) return null;
    const value = parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(parts[0]);
    return Number.isFinite(value) ? value : null;
  }

  function close(given, wanted) {
    // three digits; of a sum that cancels, what is left of the largest term's rounding does not count
    return Math.abs(given - wanted) <= Math.max(1e-3 * Math.abs(wanted), 1e-9 * largest());
  }

  function hint(given) {
    const wanted = answers[asked];
    const steps_ = handed();
    const row = computed.has(asked) ? worth(steps[computed.get(asked)].cells[4]) : null;
    const slope = (step) => worth(step.cells[5]) / (step.node === output ? 1 : answers[step.node]);
    if (wanted !== 0 && close(-given, wanted)) return "The size is right, the sign is not.";
    if (steps_.length > 1 && steps_.some((step) => close(given, worth(step.cells[5])))) {
      return `That is one of the ${steps_.length} products that arrive here; add them all.`;
    }
    if (steps_.length === 1 && !arrays && close(given, slope(steps_[0]))) {
      return "That is the local partial alone; multiply it by the adjoint of the node that it leads to.";
    }
    if (row !== null && close(given, row)) return "That is the value of the node, not its adjoint.";
    const what = arrays ? "term" : "product";
    const many = steps_.length === 1 ? `one ${what} arrives` : `${steps_.length} ${what}s arrive, and are added`;
    if (arrays) return `Here ${many}: work out ${entries[asked] ? `${entries[asked]} of ` : ""}what the rule gives.`;
    return `Here ${many}: adjoint times local partial.`;
  }

  function settle(firstTry) {
    if (tally.closed) return;
    tally.closed = true;
    tally.done += 1;
    if (firstTry) tally.right += 1;
    by("score").textContent = `Right at the first try: ${tally.right} of ${tally.done}`;
    paint();
  }

  function feedback(name, words, ...lines) {
    const told = line(words);
    told.className = name;
    by("feedback").replaceChildren(told, ...lines);
  }

  const solution = () => {
    const found = [...products(true), line(handed().length > 1 ? "in all " : "= ", copy(soFar(asked, last)))];
    return entries[asked] ? [...found, line(`of which ${entries[asked]} is ${digits(answers[asked])}`)] : found;
  };

  function check(event) {
    event.preventDefault();
    const given = number(by("answer").value);
    if (given === null) {
      feedback("bad", "That is no number that can be read here. Write -12, 0.25, 1e-3 or 1/3, with a point for decimals.");
      return;
    }
    if (close(given, answers[asked])) {
      feedback("good", "✓ Right.", ...solution());
      settle(tally.tries === 0);
      by("another").focus({ preventScroll: true });
      return;
    }
    tally.tries += 1;
    feedback("bad", `✗ Not yet. ${hint(given)}`, ...products(boxes !== null || arrays !== null || tally.tries > 1));
  }

  function quiz(on) {
    by("quiz").setAttribute("aria-pressed", String(on));
    toggle(document.body, "quizzing", on);
    by("question").hidden = !on;
    document.querySelector(".panels").hidden = on;
    by("slider").disabled = on;
    if (description) description.textContent = on ? "" : described;
    if (!on) {
      asked = null;
      show(at, false);
      return;
    }
    idle(["first", "back", "next", "last"], true);
    by("position").textContent = "Quiz";
    ask();
  }

  const move = { first: () => 0, back: () => at - 1, next: () => at + 1, last: () => last };
  for (const [id, where] of Object.entries(move)) by(id).addEventListener("click", () => asked === null && show(where()));
  const keys = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last" };
  document.addEventListener("keydown", (event) => {
    const field = event.target instanceof Element && event.target.matches("input, textarea, select");
    const action = keys[event.key];
    if (asked !== null || field || !action || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    show(move[action]());
  });
  by("slider").max = steps.length;
  by("slider").addEventListener("input", () => show(Number(by("slider").value) - 1));
  by("quiz").addEventListener("click", () => quiz(asked === null));
  by("question").addEventListener("submit", check);
  by("reveal").addEventListener("click", () => {
    settle(false);
    feedback("quiet", "The answer:", ...solution());
  });
  by("another").addEventListener("click", () => {
    if (!tally.closed) settle(false);
    tally.place += 1;
    ask();
  });
  // on paper the picture is whole, wherever the walk stands
  window.addEventListener("beforeprint", () => draw(() => true, (node) => nodes[node].final, -1, -1, () => false));
  window.addEventListener("afterprint", () => (asked === null ? show(at, false) : paint()));
  by("quiz").hidden = questions.length === 0;
  document.body.classList.add("walking");
  document.querySelector(".controls").hidden = false;
  document.querySelector(".panels").hidden = false;
  show(0, false);
})();
