/* WordPiece, as BERT's lower-case models use it: from text to the numbers of its pieces.
 *
 * The steps are those of Hugging Face's BertTokenizer, and the tests compare the two, text by text. They differ only in
 * marks and punctuation of rare scripts that Unicode has taken in since 2015: browsers know them, BertTokenizer does not.
 *   1. special tokens written in the text ([MASK]) stay whole
 *   2. control characters go, every white space becomes a blank, Chinese characters stand alone
 *   3. accents go (é is taken apart into e and its accent), capitals become small letters
 *   4. blanks separate words; every punctuation mark is a word
 *   5. a word is cut from the left into the longest pieces that the vocabulary has, the later ones marked ##;
 *      a word that cannot be cut so is [UNK]
 *   6. [CLS] stands before, [SEP] after, and of what is too long the end is left out
 */

const SPECIAL = /(\[(?:UNK|CLS|SEP|PAD|MASK)\])/;
const LONGEST = 100; // characters of a word; a longer one is [UNK]
const PUNCTUATION = /[\p{P}$+<=>^`|~]/u; // Unicode's, and those ASCII symbols that BERT counts as such
const CONTROL = /(?![\t\n\r])[\ufffd\p{Cc}\p{Cf}\p{Co}]/gu;
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

/** Return text without control characters, accents and capitals, with blanks around Chinese characters. */
export function normalize(text) {
  const clean = text
    .replace(CONTROL, "")
    .replace(/\p{White_Space}/gu, " ")
    .replace(CHINESE, " $& ");
  const bare = clean.normalize("NFD").replace(/\p{Mn}/gu, "");
  return Array.from(bare, (character) => character.toLowerCase()).join(""); // one by one: Σ is σ also at a word's end
}

/** Return the words of normalised text; a punctuation mark is a word. */
export function words(text) {
  const found = [];
  let word = "";
  const end = () => {
    if (word) found.push(word);
    word = "";
  };
  for (const character of text) {
    const mark = PUNCTUATION.test(character);
    if (mark || /\p{White_Space}/u.test(character)) end();
    if (mark) found.push(character);
    else if (!/\p{White_Space}/u.test(character)) word += character;
  }
  end();
  return found;
}

export class WordPiece {
  /** Take a vocabulary, one piece a line, and the number of pieces that a text may have, [CLS] and [SEP] included. */
  constructor(vocabulary, maxLength) {
    const lines = vocabulary.replace(/\r?\n$/, "").split(/\r?\n/);
    this.numbers = new Map(lines.map((piece, number) => [piece, number]));
    this.maxLength = maxLength;
    for (const piece of ["[UNK]", "[CLS]", "[SEP]"]) {
      if (!this.numbers.has(piece)) throw new Error(`the vocabulary has no ${piece}`);
    }
  }

  /** Return the pieces of a word. */
  cut(word) {
    const characters = Array.from(word);
    if (characters.length > LONGEST) return ["[UNK]"];
    const pieces = [];
    for (let start = 0; start < characters.length; ) {
      let end = characters.length;
      let piece;
      for (; end > start; end -= 1) {
        piece = (start ? "##" : "") + characters.slice(start, end).join("");
        if (this.numbers.has(piece)) break;
      }
      if (end === start) return ["[UNK]"];
      pieces.push(piece);
      start = end;
    }
    return pieces;
  }

  /** Return all pieces of a text, without [CLS] and [SEP]. */
  pieces(text) {
    return text
      .split(SPECIAL)
      .flatMap((part, n) => (n % 2 ? [part] : words(normalize(part)).flatMap((word) => this.cut(word))));
  }

  /** Return what the model reads: pieces and their numbers, and how many pieces were left out. */
  encode(text) {
    const all = this.pieces(text);
    const kept = all.slice(0, this.maxLength - 2);
    const pieces = ["[CLS]", ...kept, "[SEP]"];
    return { pieces, ids: pieces.map((piece) => this.numbers.get(piece)), leftOut: all.length - kept.length };
  }
}
