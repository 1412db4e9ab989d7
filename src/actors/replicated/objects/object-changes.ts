/**
 * What changes in the ready-made objects, as those who watch them are told. Types only. A command that leaves
 * everything as it was tells nothing.
 */

/** A counter has another value. */
export interface CounterChange {
  readonly type: 'set';
  readonly value: number;
  readonly previous: number;
}

/**
 * Something has changed in a map; `update`, `reset` and `pop` are told as what they do. Setting the primitive that is
 * there already changes nothing; anything else that is set is new.
 */
export type MapChange<K, V> =
  | {
      readonly type: 'set';
      readonly key: K;
      readonly value: V;
      /** Absent: the key is new. */
      readonly previous?: V;
    }
  | { readonly type: 'delete'; readonly key: K; readonly previous: V }
  /** It concerns all keys. */
  | { readonly type: 'clear' };

/** Something has changed in a set; `update`, `reset` and `pop` are told as what they do. */
export type SetChange<V> =
  | { readonly type: 'add'; readonly value: V }
  | { readonly type: 'delete'; readonly value: V }
  | { readonly type: 'clear' };

/** Something has changed in a list. */
export type ListChange<V> =
  | { readonly type: 'set'; readonly index: number; readonly value: V; readonly previous: V }
  /** From `index` on, `removed` were taken out and `added` put in their place: as by `Array.splice`. */
  | { readonly type: 'splice'; readonly index: number; readonly removed: readonly V[]; readonly added: readonly V[] }
  | { readonly type: 'reverse' }
  /** The list consists of these now: it was sorted, or reset. */
  | { readonly type: 'reset'; readonly values: readonly V[] }
  | { readonly type: 'clear' };

/** Something has changed in a queue, of either kind. */
export type QueueChange<Item> =
  | { readonly type: 'put'; readonly item: Item }
  | { readonly type: 'take'; readonly item: Item }
  | { readonly type: 'clear' };
