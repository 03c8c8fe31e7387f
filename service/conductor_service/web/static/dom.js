/**
 * Build and change elements. Text is only ever set as text: what users type cannot become markup.
 */

/** Make an element; `props` may hold `class`, `data`, `style` (custom properties), `on…` handlers and attributes. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProperty(node, name, value);
  node.append(...present(children));
  return node;
}

function setProperty(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "class") node.className = value;
  else if (name === "data") Object.assign(node.dataset, value);
  else if (name === "style") for (const [key, v] of Object.entries(value)) node.style.setProperty(key, v);
  else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else node.setAttribute(name, value === true ? "" : String(value));
}

function present(children) {
  return children.flat(2).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Put `children` in the place of all that `node` holds. */
export function fill(node, ...children) {
  node.replaceChildren(...present(children));
}

/** Set the text only where it differs, so that a live page does not lay itself out for nothing. */
export function setText(node, text) {
  const wanted = String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

/** Lay `nodes` out as the children of `parent`, in order, moving as few as can be. */
export function arrange(parent, nodes) {
  let next = parent.firstChild;
  for (const node of nodes) {
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

/** Return a function that runs `work` once per animation frame, however often it is called. */
export function batched(work) {
  let waiting = 0;
  const run = () => {
    waiting = 0;
    work();
  };
  const call = () => {
    waiting ||= requestAnimationFrame(run);
  };
  call.cancel = () => {
    cancelAnimationFrame(waiting);
    waiting = 0;
  };
  return call;
}
