// editors.mjs CRDT-CONFORM [SEED] — CodeMirror, ProseMirror and Quill with their Yjs bindings, two people each, and the engine between them.
//
//   editor A ⇄ binding ⇄ Y.Doc ⇄ engine ⇄ Y.Doc ⇄ binding ⇄ editor B
//
// Both edit by turns and at once, and undo; an agent edits in the engine. In the end A, B and a newcomer, who loads what the engine has, see
// the same document. (With some seeds a binding itself goes astray, with Yjs in the middle just as well: y-quill at the last line feed, at
// block formats that exclude each other. The seed of the test is one without.)
import assert from 'node:assert/strict'
import { place } from './browser.mjs'
import { Engine } from '../interop/engine.mjs'
import { Random } from '../interop/differential/random.mjs'
import { Room } from './room.mjs'
import * as codemirror from './codemirror.mjs'
import * as prosemirror from './prosemirror.mjs'
import * as quill from './quill.mjs'

const TURNS = 150

const [program, seed = '1'] = process.argv.slice(2)
const engine = new Engine(program)

async function play (name, { roots, open, edit, agent, shown }) {
  const random = new Random(Number(seed))
  const room = await new Room(engine, name).begin(roots)
  const ada = await open(await room.join(1), place())
  const bob = await open(await room.join(2), place())
  let undone = 0
  for (let turn = 0; turn < TURNS; turn++) {
    edit(ada, random)
    if (random.chance(0.6)) edit(bob, random)
    if (random.chance(0.15)) undone += ada.undo() ? 1 : 0
    if (random.chance(0.6)) await room.settle()
    if (turn % 25 === 24) {
      await room.edit(agent(random))
      await room.settle()
      assert.deepEqual(shown(bob), shown(ada), `${name}: after turn ${turn} the two see different documents`)
    }
  }
  await room.settle()
  const eve = await open(await room.join(3), place())
  await room.settle()
  assert.deepEqual(shown(bob), shown(ada), `${name}: the two see different documents`)
  assert.deepEqual(shown(eve), shown(ada), `${name}: a newcomer sees another document`)
  assert.ok(undone > 0 && JSON.stringify(shown(ada)).includes('agent'), `${name}: little happened`)
  console.log(`${name}: ${TURNS} turns, ${undone} undone, ${JSON.stringify(shown(ada)).length} characters shown by all three`)
}

await play('CodeMirror', codemirror)
await play('ProseMirror', prosemirror)
await play('Quill', quill)
engine.child.stdin.end()
process.exit(0) // editors keep timers
