import { Problem } from '@govctl/core/api';
import {
  equalBytes,
  leafHash,
  parseEntryBundle,
  renderTile,
  type Tile,
  TreeAppender,
  tilePath,
  tileWidth,
  type VerifiedCheckpoint,
} from '@govctl/core/evidence';

const levelsOfTile = 8;

/** The tree of a mirror, computed from its entries alone: every hash tile and every checkpoint has to be of it. */
export class MirroredTree {
  readonly #appender = new TreeAppender(0, []);
  readonly #nodes = new Map<string, Uint8Array>();
  /** Roots of the sizes that checkpoints are of, filled in as the entries pass by. */
  readonly #roots: Map<number, Uint8Array>;

  constructor(sizes: readonly number[]) {
    this.#roots = new Map(sizes.map((size) => [size, this.#appender.root()]));
  }

  get size(): number {
    return this.#appender.size;
  }

  /** Takes a tile in the order of `tilesOf`: entries first. @throws Problem `integrity` */
  add(tile: Tile, bytes: Uint8Array): void {
    if (tile.level === 'entries') {
      for (const body of parseEntryBundle(bytes, tile.width)) this.#append(leafHash(body));
      return;
    }
    const hashes = Array.from({ length: tile.width }, (_, at) => this.#nodes.get(`${tile.level}/${tile.index * tileWidth + at}`));
    const computed = hashes.filter((hash) => hash !== undefined);
    if (computed.length !== tile.width || !equalBytes(renderTile(computed), bytes))
      throw wrong(`${tilePath(tile)} is not of the entries below it`);
  }

  /** @throws Problem `integrity` where the entries are not the tree of this checkpoint */
  require(checkpoint: VerifiedCheckpoint, what: string): void {
    const root = this.#roots.get(checkpoint.size);
    if (root === undefined || checkpoint.size > this.size || !equalBytes(root, checkpoint.root))
      throw wrong(`the entries are not those of ${what} of ${checkpoint.size} leaves`);
  }

  #append(hash: Uint8Array): void {
    this.#nodes.set(`0/${this.size}`, hash);
    for (const node of this.#appender.append(hash))
      if (node.level % levelsOfTile === 0) this.#nodes.set(`${node.level / levelsOfTile}/${node.index}`, node.hash);
    if (this.#roots.has(this.size)) this.#roots.set(this.size, this.#appender.root());
  }
}

function wrong(detail: string): Problem {
  return new Problem('integrity', { detail, hint: 'govctl log verify; files of the mirror itself can be removed and fetched again' });
}
