"""What the page does without a server: sort and filter the table, and show only the pictures of what is left in it."""

SCRIPT = """
(() => {
  const body = document.querySelector("#cases tbody");
  const rows = [...body.rows];
  const parts = new Map(rows.map((row) => [row, document.getElementById(row.dataset.part)]));
  const told = new Map(rows.map((row) => {
    const flags = parts.get(row).querySelector(".flags");
    return [row, `${row.textContent} ${flags ? flags.textContent : ""}`.toLowerCase()];
  }));
  const verdict = document.getElementById("verdict");
  const check = document.getElementById("check");
  const words = document.getElementById("words");
  const shown = document.getElementById("shown");
  const apply = () => {
    const wanted = words.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const fits = (!verdict.value || row.dataset.verdict === verdict.value)
        && (!check.value || row.dataset.checks.split(" ").includes(check.value))
        && (!wanted || told.get(row).includes(wanted));
      row.hidden = !fits;
      parts.get(row).hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${rows.length} cases shown`;
  };
  for (const control of [verdict, check, words]) control.addEventListener("input", apply);
  for (const button of document.querySelectorAll("#counts button")) {
    button.addEventListener("click", () => {
      check.value = button.dataset.check;
      apply();
      document.getElementById("cases").scrollIntoView();
    });
  }
  const heads = [...document.querySelectorAll("#cases thead th")];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.key ?? row.cells[column].textContent;
      const compare = (one, other) => key(one).localeCompare(key(other), "en", { numeric: true });
      rows.sort((one, other) => (down ? -1 : 1) * compare(one, other));
      body.append(...rows);
      for (const row of rows) parts.get(row).parentNode.append(parts.get(row));
    });
  });
  apply();
})();
"""
