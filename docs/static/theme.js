/* What notebooks put out goes by JupyterLab's theme: the choice made at the top of the page is said so. */
const follow = () => {
  const theme = document.body.dataset.theme;
  if (theme === "dark" || theme === "light") {
    document.body.dataset.jpThemeLight = theme === "light";
  } else {
    delete document.body.dataset.jpThemeLight;
  }
};
new MutationObserver(follow).observe(document.body, { attributeFilter: ["data-theme"] });
follow();
