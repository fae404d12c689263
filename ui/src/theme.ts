// The system's theme, unless a person chose another.

export type Theme = "system" | "light" | "dark";
const STORED = "belay-theme";

export function storedTheme(): Theme {
  const stored = localStorage.getItem(STORED);
  return stored === "light" || stored === "dark" ? stored : "system";
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") {
    localStorage.removeItem(STORED);
    document.documentElement.removeAttribute("data-theme");
  } else {
    localStorage.setItem(STORED, theme);
    document.documentElement.setAttribute("data-theme", theme);
  }
}

export function nextTheme(theme: Theme): Theme {
  return theme === "system" ? "dark" : theme === "dark" ? "light" : "system";
}
