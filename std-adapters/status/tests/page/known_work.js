// Work that never changes, to measure how fast a browser is on this machine.
const known = JSON.stringify(Array.from({ length: 1000 }, (_, id) => ({
  id, name: "frames", marks: [{ high: 800, low: 500 }], totals: { sent: id, received: id },
})));
const lines = Array.from({ length: 100 }, () => {
  const line = document.createElement("p");
  document.body.append(line);
  return line;
});
let rounds = 0;
globalThis.work = () => {
  rounds += 1;
  const rows = JSON.parse(known);
  lines.forEach((line, at) => {
    line.textContent = `${rows[at].name} ${rounds * at} of ${rows[at].marks[0].high}`;
  });
  // Asks for the layout, so that it is done now.
  return document.body.offsetHeight;
};
