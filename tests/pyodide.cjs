// Runs a Python program with Pyodide: CPython as WebAssembly, as in a browser.
// Arguments: the folder of the npm package pyodide, the folder that has the Python package, and the program.
const path = require("path");
const { pathToFileURL } = require("url");

const [npmPackage, folder, program] = process.argv.slice(2);

async function main() {
  const { loadPyodide } = await import(pathToFileURL(path.join(npmPackage, "pyodide.mjs")));
  const python = await loadPyodide();
  python.mountNodeFS("/package", folder);
  python.mountNodeFS("/program", path.dirname(program));
  python.globals.set("program", "/program/" + path.basename(program));
  python.runPython('import runpy, sys; sys.path.insert(0, "/package"); runpy.run_path(program, run_name="__main__")');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
