// The first cell edited in a browser tab makes the table fetch its editor. Of the keys typed until that is drawn, all
// are lost but the last. They are held here meanwhile, and typed once the editor has the focus.
(() => {
  if (window.orbHoldsKeys) return;
  window.orbHoldsKeys = true;
  const TABLE = "[data-testid=stDataFrame]";
  const EDITOR = "#portal input, #portal textarea";
  const ENTER = { key: "Enter", code: "Enter", keyCode: 13, bubbles: true };
  let held = null; // the keys since the one that opens an editor; null where none is awaited
  let ended = false; // whether Enter came after them

  const types = (event) => event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
  const listen = (name, react) => document.addEventListener(name, react, true);

  listen("pointerdown", () => {
    held = null;
    ended = false;
  });
  listen("dblclick", (event) => {
    if (event.target.closest(TABLE)) held = "";
  });
  listen("keydown", (event) => {
    if (!event.target.closest(TABLE) || document.querySelector(EDITOR)) return;
    if (held !== null && (types(event) || event.key === "Enter")) {
      if (event.key === "Enter") ended = true;
      else if (!ended) held += event.key;
      event.preventDefault();
      event.stopPropagation();
    } else {
      ended = false;
      held = types(event) || event.key === "Enter" ? "" : null;
    }
  });
  listen("focusin", (event) => {
    if (!event.target.matches(EDITOR)) return;
    const [keys, enter] = [held, ended];
    held = null;
    ended = false;
    if (keys) queueMicrotask(() => document.execCommand("insertText", false, keys));
    if (enter) setTimeout(() => event.target.dispatchEvent(new KeyboardEvent("keydown", ENTER)));
  });
})();
