// Light or dark: what was chosen here before, else what the system says. Runs before the first paint.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = localStorage.getItem("lab-theme");
    document.documentElement.dataset.theme = chosen || (system.matches ? "dark" : "light");
    dispatchEvent(new Event("lab-theme"));
  };
  system.addEventListener("change", apply);
  addEventListener("lab-theme-toggle", () => {
    const dark = document.documentElement.dataset.theme === "dark";
    localStorage.setItem("lab-theme", dark ? "light" : "dark");
    apply();
  });
  apply();
})();
