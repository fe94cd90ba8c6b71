/** The files that were dropped on the page or chosen, with their paths. */

/** A file to upload. */
export interface Source {
  /** Its path in the release, with slashes. */
  path: string;
  file: File;
}

/** Returns the files that were chosen in a file field. */
export function chosenFiles(files: Iterable<File>): Source[] {
  return Array.from(files, (file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Returns the dropped files, also those in dropped folders. It must be called while the drop is handled. */
export async function droppedFiles({ items, files }: DataTransfer): Promise<Source[]> {
  const entries = Array.from(items, (item) => item.webkitGetAsEntry());
  if (!entries.some((entry) => entry?.isDirectory)) {
    return chosenFiles(files);
  }
  const found = await Promise.all(entries.map((entry) => (entry ? filesOf(entry) : [])));
  return found.flat();
}

async function filesOf(entry: FileSystemEntry): Promise<Source[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [{ path: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Source[] = [];
  // A reader returns the entries of a folder in parts, the last of them empty.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0) {
      return found;
    }
    found.push(...(await Promise.all(part.map(filesOf))).flat());
  }
}
