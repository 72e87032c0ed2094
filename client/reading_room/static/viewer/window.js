// Window and level of each sequence: by dragging, by numbers, and back to what the voxels suggest.

export function wireWindow(viewer) {
  const find = (selector) => viewer.root.querySelector(selector)
  const [width, level] = [find('#v-window'), find('#v-level')]

  const show = () => {
    const { image } = viewer
    if (!image || [width, level].includes(document.activeElement)) return
    width.value = (image.cal_max - image.cal_min).toPrecision(4)
    level.value = ((image.cal_max + image.cal_min) / 2).toPrecision(4)
  }

  const redraw = () => {
    for (const pane of viewer.visible) {
      if (viewer.imageIn(pane) !== viewer.image) continue
      pane.nv.refreshLayers(viewer.image, 0)
      pane.nv.drawScene()
    }
  }

  const apply = () => {
    const [span, centre] = [Number(width.value), Number(level.value)]
    const isGood = width.value !== '' && level.value !== '' && Number.isFinite(span) && Number.isFinite(centre) && span > 0
    width.setAttribute('aria-invalid', String(!isGood))
    if (!isGood) return
    viewer.image.cal_min = centre - span / 2
    viewer.image.cal_max = centre + span / 2
    redraw()
  }

  for (const input of [width, level]) {
    input.addEventListener('input', apply)
    input.addEventListener('blur', show)
  }
  find('#v-window-reset').addEventListener('click', () => {
    viewer.image.cal_min = viewer.image.robust_min
    viewer.image.cal_max = viewer.image.robust_max
    redraw()
    show()
  })
  viewer.root.addEventListener('viewer', show)
  find('.v-stage').addEventListener('pointermove', (event) => { if (event.buttons) requestAnimationFrame(show) })
}
