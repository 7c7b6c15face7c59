// browser.mjs — what editors need of a browser, from jsdom. Import it before them.
import { JSDOM } from 'jsdom'

const { window } = new JSDOM('<!doctype html><body></body>', { pretendToBeVisual: true })
for (const name of ['window', 'Window', 'document', 'navigator', 'Node', 'Element', 'HTMLElement', 'Text', 'Range', 'Selection', 'MutationObserver', 'DOMParser', 'getSelection',
  'getComputedStyle', 'requestAnimationFrame', 'cancelAnimationFrame', 'InputEvent', 'KeyboardEvent', 'CustomEvent', 'Event']) {
  const value = name === 'window' ? window : window[name]
  Object.defineProperty(globalThis, name, { value: typeof value === 'function' && !value.prototype ? value.bind(window) : value, configurable: true, writable: true })
}

// jsdom lays nothing out.
window.Range.prototype.getClientRects = () => []
window.Range.prototype.getBoundingClientRect = () => ({ left: 0, right: 0, top: 0, bottom: 0, width: 0, height: 0 })
window.Element.prototype.scrollIntoView = () => {}

export const place = () => window.document.body.appendChild(window.document.createElement('div'))
