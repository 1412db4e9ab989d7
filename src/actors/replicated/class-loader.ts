/**
 * The port behind which the classes of objects are found: in their modules, on whatever thread, or among those that a
 * simulation was given, for loading a module takes real time. Used wherever objects are resolved or made.
 */

export interface ClassLoader {
  /**
   * The name under which a module exports a class.
   *
   * @throws ConclaveError `ERR_INVALID_OBJECT` when the module cannot be loaded, or does not export it.
   */
  exportNameOf(object: string, module: string, value: Function): Promise<string>;
  /**
   * What a module exports under a name.
   *
   * @throws ConclaveError `ERR_INVALID_OBJECT` when the module cannot be loaded, or exports no such thing.
   */
  importExport(object: string, module: string, exportName: string): Promise<unknown>;
}
