/* Loads a classifier and the runtime that computes it, compares every file with its card, and classifies texts.
 *
 * All files come from the folder of this script. Once they are loaded nothing is asked of the network any more.
 */

import { WordPiece } from "./tokenizer.js";

const INPUTS = ["input_ids", "attention_mask", "token_type_ids"];
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

/** What went wrong: `kind` is the name of a message in texts.toml, `what` the file or the browser's own words. */
export class Trouble extends Error {
  constructor(kind, what) {
    super(`${kind}: ${what}`);
    this.kind = kind;
    this.what = what;
  }
}

/** Find out, before anything is loaded, what the browser lacks. */
function examine() {
  if (!globalThis.crypto?.subtle) throw new Trouble("insecure", location.origin);
  if (!globalThis.DecompressionStream) throw new Trouble("old", "DecompressionStream");
  if (!globalThis.WebAssembly?.validate(Uint8Array.from(SIMD))) throw new Trouble("old", "WebAssembly SIMD");
}

/** Return a file's bytes as the card has them: loaded, uncompressed, compared with its size and SHA-256. */
async function fetched(file, arrived) {
  const parts = [];
  try {
    const response = await fetch(new URL(file.address, import.meta.url));
    if (!response.ok) throw new Trouble("missing", `${file.name} (${response.status})`);
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      arrived(part.value.length);
    }
  } catch (problem) {
    throw problem instanceof Trouble ? problem : new Trouble("network", file.name);
  }
  let data;
  try {
    data = await unpacked(new Blob(parts));
  } catch {
    throw new Trouble("damaged", file.name); // it breaks off, or is no gzip
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (data.byteLength !== file.bytes || sha256 !== file.sha256) throw new Trouble("damaged", file.name);
  return new Uint8Array(data);
}

/** Uncompress what is still compressed: some servers do it for us. */
async function unpacked(blob) {
  const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  const packed = first === 0x1f && second === 0x8b;
  const stream = packed ? blob.stream().pipeThrough(new DecompressionStream("gzip")) : blob.stream();
  return new Response(stream).arrayBuffer();
}

/** Load everything that a card names; `progress` hears the share that has arrived, from 0 to 1. */
export async function load(card, progress = () => {}) {
  examine();
  const total = card.files.reduce((sum, file) => sum + file.packed, 0);
  let sum = 0;
  const arrived = (bytes) => progress(Math.min(1, (sum += bytes) / total));
  const got = await Promise.all(card.files.map((file) => fetched(file, arrived)));
  const [script, wasm, model, vocabulary] = ["ort.js", "ort.wasm", "model.onnx", "vocab.txt"].map(
    (name) => got[card.files.findIndex((file) => file.name === name)],
  );
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" })); // the very bytes just checked
  const ort = await import(address);
  URL.revokeObjectURL(address);
  ort.env.wasm.numThreads = 1; // more would need headers that a static host does not send
  ort.env.wasm.wasmBinary = wasm.buffer;
  ort.env.logLevel = "fatal";
  try {
    const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
    const tokenizer = new WordPiece(new TextDecoder().decode(vocabulary), card.max_length);
    const classifier = new Classifier(ort, session, tokenizer, card.labels);
    await classifier.classify("a"); // it fits its card, and the first text is not slower than the others
    return classifier;
  } catch (problem) {
    throw problem instanceof Trouble ? problem : new Trouble("foreign", problem.message ?? problem);
  }
}

export class Classifier {
  constructor(ort, session, tokenizer, labels) {
    const strange = session.inputNames.filter((name) => !INPUTS.includes(name));
    if (strange.length || !session.inputNames.includes("input_ids")) throw new Trouble("foreign", session.inputNames);
    Object.assign(this, { ort, session, tokenizer, labels });
  }

  /** Return the probabilities of the labels, the pieces read, how many were left out, and the milliseconds it took. */
  async classify(text) {
    const start = performance.now();
    const { ids, pieces, leftOut } = this.tokenizer.encode(text);
    const of = (value) => new this.ort.Tensor("int64", BigInt64Array.from(ids, value), [1, ids.length]);
    const given = { input_ids: of(BigInt), attention_mask: of(() => 1n), token_type_ids: of(() => 0n) };
    const names = this.session.inputNames;
    const answer = await this.session.run(Object.fromEntries(names.map((name) => [name, given[name]])));
    const logits = Array.from(answer[this.session.outputNames[0]].data, Number);
    const milliseconds = performance.now() - start;
    if (logits.length !== this.labels.length) throw new Trouble("foreign", `${logits.length} ≠ ${this.labels.length}`);
    const greatest = Math.max(...logits);
    const odds = logits.map((logit) => Math.exp(logit - greatest));
    const all = odds.reduce((one, other) => one + other);
    return { probabilities: odds.map((value) => value / all), pieces, leftOut, milliseconds };
  }
}
