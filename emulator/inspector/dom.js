// Elements. Everything that a request brought is untrusted: it gets into the page as text nodes and nowhere else.

/** h makes an element. Children are elements or text; null and undefined are left out, lists are opened. */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** svg makes an element of a drawing. */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** copyTo makes a button that copies a text. Where the page may not, the text is selected in a place, to be copied by hand. */
export function copyTo(label, text, place, name) {
  const button = h("button", {
    type: "button", class: name ?? "", onclick: async () => {
      try {
        await navigator.clipboard.writeText(text());
        button.textContent = "Copied";
        said("Copied");
      } catch {
        place.hidden = false;
        if (place.tagName === "PRE") place.textContent = text();
        getSelection().selectAllChildren(place);
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = label), 1500);
    },
  }, label);
  return button;
}

export const byId = (id) => document.getElementById(id);

/** said tells a screen reader. */
export function said(text) {
  byId("said").textContent = text;
}

/** setText changes a text only where it is another one, so that nothing is laid out twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
