// Reads the value of the cell under the pointer, or chosen with the arrow keys, beside its labels.
for (const figure of document.querySelectorAll("figure[data-rows]")) {
  const rows = JSON.parse(figure.dataset.rows);
  const columns = JSON.parse(figure.dataset.columns);
  const output = figure.querySelector("output");
  for (const svg of figure.querySelectorAll("svg[data-values]")) {
    const bytes = Uint8Array.from(atob(svg.dataset.values), (c) => c.charCodeAt(0));
    const values = new DataView(bytes.buffer);
    const left = Number(svg.dataset.left), top = Number(svg.dataset.top);
    const width = Number(svg.dataset.width), height = Number(svg.dataset.height);
    const frame = document.createElementNS(svg.namespaceURI, "rect");
    frame.setAttribute("class", "here");
    frame.setAttribute("width", width);
    frame.setAttribute("height", height);
    let at = [0, 0];
    const show = (row, column) => {
      if (row < 0 || column < 0 || row >= rows.length || column >= columns.length) return;
      at = [row, column];
      const value = values.getUint16(2 * (row * columns.length + column), true) / 10000;
      frame.setAttribute("x", left + column * width);
      frame.setAttribute("y", top + row * height);
      svg.append(frame);
      const where = svg.dataset.name ? svg.dataset.name + ": " : "";
      output.textContent = `${where}${rows[row]} ${figure.dataset.arrow} ${columns[column]}  ${value.toFixed(3)}`;
    };
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const zoom = svg.viewBox.baseVal.width / box.width;
      const x = (event.clientX - box.left) * zoom - left;
      const y = (event.clientY - box.top) * zoom - top;
      show(Math.floor(y / height), Math.floor(x / width));
    });
    svg.addEventListener("pointerleave", () => { frame.remove(); output.textContent = ""; });
    svg.addEventListener("blur", () => frame.remove());
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      show(at[0] + step[0], at[1] + step[1]);
    });
  }
}
