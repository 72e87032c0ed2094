// Bundles NiiVue into one script, with the licences of everything in it and the script's own hash beside it.
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

const out = '../static/vendor'
const result = await build({
  entryPoints: ['entry.js'],
  outfile: `${out}/niivue.js`,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning'
})

const inside = (path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]
const names = [...new Set(Object.keys(result.metafile.inputs).map(inside).filter(Boolean))].sort()
const licences = names.map((name) => {
  const folder = `node_modules/${name}`
  const about = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
  // NiiVue's package comes without the text of its licence; the file here is that of its repository.
  const text = readFileSync(file ? `${folder}/${file}` : `${name.split('/').pop()}.LICENSE`, 'utf8').trim()
  return `${name} ${about.version}: ${about.license}\n\n${text}\n`
})
writeFileSync(`${out}/niivue.licences.txt`, licences.join('\n' + '-'.repeat(78) + '\n\n'))
const digest = createHash('sha256').update(readFileSync(`${out}/niivue.js`)).digest('hex')
writeFileSync(`${out}/niivue.sha256`, `${digest}  niivue.js\n`)
