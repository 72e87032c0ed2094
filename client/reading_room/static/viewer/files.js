// NIfTI files over the wire: fetched with honest percent, unpacked and packed by the browser itself.
import { NVImage } from '../vendor/niivue.js'

const TRANSLUCENT_BELOW = 1 // NiiVue's ZERO_TO_MAX with alpha below cal_min
const VOXELS_AT = 108 // vox_offset of a NIfTI-1 header, float32
const ROWS_AT = [280, 296, 312] // srow_x, srow_y, srow_z, four float32 each

export async function fetchUnpacked(address, onPercent = () => {}) {
  const answer = await fetch(address)
  if (answer.status === 401) location.assign('/sign-in')
  if (!answer.ok) {
    const content = await answer.json().catch(() => null)
    throw new Error(content?.error ?? `found status ${answer.status}; expected the file; reload the page`)
  }
  const total = Number(answer.headers.get('Content-Length'))
  let got = 0
  const counting = new TransformStream({
    transform(piece, controller) {
      got += piece.length
      if (total) onPercent(Math.min(99, Math.floor(100 * got / total)))
      controller.enqueue(piece)
    }
  })
  const unpacked = answer.body.pipeThrough(counting).pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(unpacked).arrayBuffer())
}

export async function pack(bytes) {
  return new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))).blob()
}

export function imageOf(bytes, name, colormap = 'gray') {
  // A window from the voxels themselves: headers rarely hold a good one, and the zeros around a brain are no tissue.
  return NVImage.new(bytes.buffer, `${name}.nii`, colormap, 1, null, NaN, NaN, false, 0.02, true)
}

// Colours from 0 to the largest; below the first number it grows transparent with the square of the value.
export async function mapOf(bytes, fadesBelow, largest) {
  const map = await imageOf(bytes, 'uncertainty', 'doubt')
  return Object.assign(map, { colormapType: TRANSLUCENT_BELOW, cal_min: fadesBelow, cal_max: largest, opacity: 0 })
}

// Server and NiiVue may choose differently between two affines of one file. The mask's is the server's choice.
export function placeAs(image, outlineBytes) {
  const header = new DataView(outlineBytes.buffer, outlineBytes.byteOffset)
  const row = (at) => [0, 4, 8, 12].map((step) => header.getFloat32(at + step, true))
  image.hdr.affine = [...ROWS_AT.map(row), [0, 0, 0, 1]]
  image.calculateRAS()
}

export function voxelsOf(bytes) {
  const offset = new DataView(bytes.buffer, bytes.byteOffset).getFloat32(VOXELS_AT, true)
  return bytes.subarray(offset)
}
