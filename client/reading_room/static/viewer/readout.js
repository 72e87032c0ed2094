// What lies under the crosshair: where it is, each sequence's value, the outline's label and the entropy.

const number = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3))

function place([x, y, z]) {
  const side = (value, positive, negative) => `${value >= 0 ? positive : negative} ${Math.abs(value).toFixed(1)}`
  return `${side(x, 'R', 'L')}, ${side(y, 'A', 'P')}, ${side(z, 'S', 'I')} mm`
}

export function showReadout(viewer) {
  const cell = (name) => viewer.root.querySelector(`[data-readout="${name}"]`)

  function update() {
    const pane = viewer.visible[0]
    if (!pane?.sequence || !viewer.outline) return
    const { shape } = viewer.outline
    const voxel = [0, 1, 2].map((axis) => Math.min(shape[axis] - 1, Math.max(0, Math.floor(pane.position[axis] * shape[axis]))))
    cell('place').textContent = place(pane.nv.frac2mm(pane.position, 0, true))
    cell('voxel').textContent = viewer.outline.indicesInFile(voxel).join(', ')
    for (const name of viewer.names) {
      const image = viewer.images.get(name)
      cell(name).textContent = image ? number(image.getValue(...voxel)) : 'loading'
    }
    const label = viewer.outline.at(voxel)
    cell('label').textContent = label === 0 ? 'outside' : viewer.layers.rowOf(label)?.name ?? 'not assessable'
    if (viewer.map) cell('entropy').textContent = `${viewer.map.getValue(...voxel).toFixed(2)} nats`
  }

  let asked = false
  viewer.root.addEventListener('viewer', () => {
    if (asked) return
    asked = true
    requestAnimationFrame(() => {
      asked = false
      update()
    })
  })
}
