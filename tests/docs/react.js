// A stub of the parts of React that docs/howto/headless.md uses: it renders everything again at each change.
let draw = () => {};
const stores = new Set();

export function createElement(type, props, ...children) {
  return { type, props: props ?? {}, children };
}

export function useSyncExternalStore(subscribe, getSnapshot) {
  if (!stores.has(subscribe)) {
    stores.add(subscribe);
    subscribe(() => draw());
  }
  return getSnapshot();
}

export function createRoot(place) {
  return {
    render(element) {
      draw = () => place.replaceChildren(build(element));
      draw();
    },
  };
}

function build(element) {
  if (typeof element !== "object") return document.createTextNode(element);
  if (typeof element.type === "function") return build(element.type(element.props));
  const { onClick, ref, ...attributes } = element.props;
  const node = document.createElement(element.type);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (onClick) node.addEventListener("click", onClick);
  node.append(...element.children.filter((child) => child || child === 0).map(build));
  ref?.(node);
  return node;
}
