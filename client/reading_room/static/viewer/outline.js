// The mask while it is looked at and corrected. Two orders of the same voxels: the file's, which is what is saved, and
// NiiVue's (x to the right, y to the front, z upwards), which is what is drawn. Edits remember what they replaced.
import { voxelsOf } from './files.js'

export class Outline {
  // bytes: the file, unpacked. image: any picture of the study on this grid, for the order of its axes.
  constructor(bytes, image) {
    this.bytes = bytes
    this.shape = image.dimsRAS.slice(1, 4)
    this.spacing = image.pixDimsRAS.slice(1, 4)
    this.fileShape = image.hdr.dims.slice(1, 4)
    this.start = image.img2RASstart
    this.step = image.img2RASstep
    this.labels = new Uint8Array(this.shape[0] * this.shape[1] * this.shape[2])
    const voxels = voxelsOf(bytes)
    this.eachVoxel((drawn, inFile) => { this.labels[drawn] = voxels[inFile] })
    this.done = []
    this.undone = []
    this.stroke = null
  }

  eachVoxel(visit) {
    const [nx, ny, nz] = this.shape
    const [sx, sy, sz] = this.step
    const first = this.inFile([0, 0, 0])
    let drawn = 0
    for (let z = 0; z < nz; z++) {
      for (let y = 0; y < ny; y++) {
        let inFile = first + y * sy + z * sz
        for (let x = 0; x < nx; x++) {
          visit(drawn++, inFile)
          inFile += sx
        }
      }
    }
  }

  inFile(voxel) {
    return voxel.reduce((sum, value, axis) => sum + this.start[axis] + value * this.step[axis], 0)
  }

  indicesInFile(voxel) {
    const index = this.inFile(voxel)
    const [nx, ny] = this.fileShape
    return [index % nx, Math.floor(index / nx) % ny, Math.floor(index / (nx * ny))]
  }

  index([x, y, z]) {
    return x + this.shape[0] * (y + this.shape[1] * z)
  }

  voxel(index) {
    const [nx, ny] = this.shape
    return [index % nx, Math.floor(index / nx) % ny, Math.floor(index / (nx * ny))]
  }

  has(voxel) {
    return voxel.every((value, axis) => value >= 0 && value < this.shape[axis])
  }

  // The outlined voxel nearest to the middle of all of them; the middle of the grid where there is none.
  middle() {
    const places = []
    for (let index = 0; index < this.labels.length; index++) if (this.labels[index]) places.push(this.voxel(index))
    if (!places.length) return this.shape.map((size) => Math.floor(size / 2))
    const mean = [0, 1, 2].map((axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length)
    const far = (place) => Math.hypot(...place.map((value, axis) => (value - mean[axis]) * this.spacing[axis]))
    return places.reduce((best, place) => (far(place) < far(best) ? place : best))
  }

  at(voxel) {
    return this.labels[this.index(voxel)]
  }

  begin() {
    this.stroke = new Map()
  }

  // A disc in one slice (flat: its axis) or a sphere (flat: null) around a voxel's centre. The voxel itself always counts.
  stamp(centre, radiusMm, label, flat) {
    const reach = this.spacing.map((mm, axis) => (axis === flat ? 0 : Math.floor(radiusMm / mm)))
    const voxel = [0, 0, 0]
    for (let dz = -reach[2]; dz <= reach[2]; dz++) {
      for (let dy = -reach[1]; dy <= reach[1]; dy++) {
        for (let dx = -reach[0]; dx <= reach[0]; dx++) {
          const far = Math.hypot(dx * this.spacing[0], dy * this.spacing[1], dz * this.spacing[2])
          voxel[0] = centre[0] + dx
          voxel[1] = centre[1] + dy
          voxel[2] = centre[2] + dz
          if (far <= radiusMm && this.has(voxel)) this.set(this.index(voxel), label)
        }
      }
    }
    if (this.has(centre)) this.set(this.index(centre), label)
  }

  set(index, label) {
    if (this.labels[index] === label) return
    if (!this.stroke.has(index)) this.stroke.set(index, this.labels[index])
    this.labels[index] = label
  }

  end() {
    const changes = [...this.stroke].filter(([index, before]) => this.labels[index] !== before)
    this.stroke = null
    if (!changes.length) return
    this.done.push(changes.map(([index, before]) => [index, before, this.labels[index]]))
    this.undone = []
  }

  undo() {
    const changes = this.done.pop()
    if (!changes) return
    for (const [index, before] of changes) this.labels[index] = before
    this.undone.push(changes)
  }

  redo() {
    const changes = this.undone.pop()
    if (!changes) return
    for (const [index, , after] of changes) this.labels[index] = after
    this.done.push(changes)
  }

  // How many voxels differ from the file, however often they were painted over.
  changed() {
    const voxels = voxelsOf(this.bytes)
    const touched = new Set(this.done.flat().map(([index]) => index))
    let count = 0
    for (const index of touched) if (voxels[this.inFile(this.voxel(index))] !== this.labels[index]) count++
    return count
  }

  // The same file with the labels as they are now: header and grid untouched.
  toFile() {
    const bytes = this.bytes.slice()
    const voxels = voxelsOf(bytes)
    this.eachVoxel((drawn, inFile) => { voxels[inFile] = this.labels[drawn] })
    return bytes
  }
}
