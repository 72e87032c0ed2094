// A picture of what is shown, with the notice in it and nothing that names a person or a study.

const BAND = 34

export function takePicture(viewer) {
  const stage = viewer.root.querySelector('.v-stage').getBoundingClientRect()
  const scale = window.devicePixelRatio
  const picture = document.createElement('canvas')
  picture.width = Math.round(stage.width * scale)
  picture.height = Math.round((stage.height + BAND) * scale)
  const pen = picture.getContext('2d')
  pen.fillStyle = '#000'
  pen.fillRect(0, 0, picture.width, picture.height)
  pen.textBaseline = 'middle'
  for (const pane of viewer.visible) {
    const at = pane.canvas.getBoundingClientRect()
    pane.nv.drawScene() // a canvas of WebGL is empty unless it was drawn in this very moment
    const [x, y] = [(at.left - stage.left) * scale, (at.top - stage.top) * scale]
    pen.drawImage(pane.canvas, x, y, at.width * scale, at.height * scale)
    pen.font = `600 ${14 * scale}px system-ui, sans-serif`
    pen.fillStyle = '#dfe8f1'
    pen.fillText(viewer.title(pane.sequence), x + 12 * scale, y + 18 * scale)
  }
  pen.font = `600 ${13 * scale}px system-ui, sans-serif`
  pen.fillStyle = '#ffcf70'
  pen.fillText(viewer.about.notice, 12 * scale, picture.height - BAND * scale / 2, picture.width - 24 * scale)
  return new Promise((resolve) => picture.toBlob(resolve, 'image/png'))
}

export async function savePicture(viewer) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(await takePicture(viewer))
  link.download = 'reading-room-picture.png'
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60000)
}
