// Names for parts of the theme that a screen reader could not name otherwise. Tables that scroll get the keyboard focus.
const name = () => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search")
  document.querySelectorAll(".md-code__nav").forEach((each, number) => {
    each.setAttribute("aria-label", `Code ${number + 1}`)
  })
  for (const each of document.querySelectorAll(".md-typeset__scrollwrap")) {
    if (each.scrollWidth > each.clientWidth) each.tabIndex = 0
  }
}
name()
new MutationObserver(name).observe(document.body, { childList: true, subtree: true })
addEventListener("resize", name)
