// The chosen theme, before anything is painted; without a choice it is the system's.
try {
  const chosen = localStorage.getItem("playline-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // storage can be forbidden: then it is the system's
}
