// room.mjs — people with editors around one document of the engine, which relays as a server would.
import * as Y from 'yjs'
import { fromBase64, toBase64 } from '../interop/engine.mjs'

export class Room {
  constructor (engine, name) {
    this.engine = engine
    this.name = name
    this.people = []
    this.said = []
  }

  async begin (roots) {
    await this.engine.ask('new', { doc: this.name, gc: true, clientID: 9, roots })
    return this
  }

  // A Yjs document of its own, with all that is there.
  async join (clientID) {
    const ydoc = new Y.Doc()
    ydoc.clientID = clientID
    Y.applyUpdate(ydoc, fromBase64((await this.engine.ask('encode', { doc: this.name })).update), this)
    ydoc.on('update', (update, origin) => { if (origin !== this) this.said.push({ ydoc, update }) })
    this.people.push(ydoc)
    return ydoc
  }

  // An edit that the engine makes itself, as a server-side agent does.
  async edit (ops) {
    const { update } = await this.engine.ask('local', { doc: this.name, ops })
    this.tell(fromBase64(update), null)
  }

  tell (update, but) {
    for (const ydoc of this.people) if (ydoc !== but) Y.applyUpdate(ydoc, update, this)
  }

  // Until nobody has anything to say: editors may answer what they hear, at once or a moment later.
  async settle () {
    for (let quiet = 0; quiet < 2; quiet++) {
      await new Promise(resolve => setTimeout(resolve, 1))
      while (this.said.length > 0) {
        quiet = 0
        const { ydoc, update } = this.said.shift()
        const { relay } = await this.engine.ask('apply', { doc: this.name, update: toBase64(update) })
        if (relay !== null) this.tell(fromBase64(relay), ydoc)
      }
    }
  }
}
