"use strict";
(() => {
  const toDark = JSON.parse(document.getElementById("colours").textContent);
  const anyLight = new RegExp(Object.keys(toDark).map((colour) => colour.replace(/[().]/g, "\\$&")).join("|"), "g");
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const printing = window.matchMedia("print");
  const PRINT_PX = 690;
  const NARROW_PX = 560;
  const SMALL_CALENDAR_PX = 865;

  const places = [...document.querySelectorAll("[data-figure]")].map((place) => ({
    place,
    text: document.querySelector(`[data-drawn="${CSS.escape(place.dataset.figure)}"]`).textContent,
  }));

  function draw(onPaper) {
    const dark = prefersDark.matches && !onPaper;
    for (const { place, text } of places) {
      const figure = JSON.parse(dark ? text.replace(anyLight, (colour) => toDark[colour]) : text);
      const half = place.closest(".columns") ? 2 : 1;
      const width = onPaper ? (PRINT_PX - 32 * (half - 1)) / half : place.clientWidth;
      fit(figure, place.dataset.figure, width, onPaper);
      Plotly.react(place, figure.data, figure.layout, { displayModeBar: false, responsive: false });
    }
  }

  function fit(figure, key, width, onPaper) {
    const { layout } = figure;
    layout.width = width;
    layout.autosize = false;
    if (key === "calendar" && width < SMALL_CALENDAR_PX) figure.data[0].textfont.size = 8;
    if (width < NARROW_PX && layout.margin.r > 100) {
      layout.margin.r = 8;  // the levels' names would leave no room for the candles
      layout.annotations = [];
    }
    if (!onPaper && window.matchMedia("(pointer: coarse)").matches) layout.dragmode = false;  // a finger scrolls
  }

  let waiting = 0;
  let drawnWidth = document.body.clientWidth;
  window.addEventListener("resize", () => {
    if (printing.matches || document.body.clientWidth === drawnWidth) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      drawnWidth = document.body.clientWidth;
      draw(false);
    }, 150);
  });
  prefersDark.addEventListener("change", () => draw(printing.matches));
  printing.addEventListener("change", (event) => draw(event.matches));
  window.addEventListener("beforeprint", () => draw(true));
  window.addEventListener("afterprint", () => draw(false));
  draw(printing.matches);
})();
