/**
 * The views of memory that a state may hold, by the numbers under which they are written: which one a view is, and how
 * it is made again. Pure.
 */

export interface ViewForm {
  readonly name: string;
  readonly prototype: object;
  /** Offset and length are in bytes. Throws a RangeError when they do not fit the buffer or the elements. */
  make(buffer: ArrayBuffer, offset: number, length: number): ArrayBufferView;
}

interface TypedArrayClass {
  readonly name: string;
  readonly prototype: ArrayBufferView;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, offset: number, length: number): ArrayBufferView;
}

function typedArray(View: TypedArrayClass): ViewForm {
  const { name, prototype, BYTES_PER_ELEMENT: size } = View;
  return {
    name,
    prototype,
    make: (buffer, offset, length) => {
      if (length % size !== 0) throw new RangeError(`${length} bytes are no whole number of elements`);
      return new View(buffer, offset, length / size);
    },
  };
}

/**
 * Written to disk: only ever appended to. Elements are in the machine's byte order, which no cluster may mix. A Buffer
 * comes back as one, for its methods are not those of a Uint8Array.
 */
export const VIEW_FORMS: readonly ViewForm[] = [
  typedArray(Uint8Array),
  typedArray(Int8Array),
  typedArray(Uint8ClampedArray),
  typedArray(Int16Array),
  typedArray(Uint16Array),
  typedArray(Int32Array),
  typedArray(Uint32Array),
  typedArray(Float32Array),
  typedArray(Float64Array),
  typedArray(BigInt64Array),
  typedArray(BigUint64Array),
  {
    name: 'DataView',
    prototype: DataView.prototype,
    make: (buffer, offset, length) => new DataView(buffer, offset, length),
  },
  {
    name: 'Buffer',
    prototype: Buffer.prototype,
    make: (buffer, offset, length) => Buffer.from(buffer, offset, length),
  },
];

const TYPES = new Map<object, number>(VIEW_FORMS.map((form, type) => [form.prototype, type]));
const TYPES_BY_NAME = new Map<string, number>(VIEW_FORMS.map((form, type) => [form.name, type]));

/** The number of the form of a view, also of one from another realm; undefined when it has none. */
export function viewType(view: object): number | undefined {
  const prototype = Object.getPrototypeOf(view) as object | null;
  if (prototype === null) return undefined;
  const type = TYPES.get(prototype);
  if (type !== undefined) return type;
  const { constructor } = prototype as { constructor?: unknown };
  return typeof constructor === 'function' ? TYPES_BY_NAME.get(constructor.name) : undefined;
}
