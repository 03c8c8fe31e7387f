"""USD layers without USD: text (`.usda`), crates (`.usdc`) and packages (`.usdz`), and what they point to.

We read them by ourselves since the library aborts the process on some damaged crates, refuses crates that are newer or
older than it knows, and holds the whole layer; the library is the oracle of the tests.

* `layer`: what a layer says, whichever way it is stored
* `text_tokens`, `text_layer`: from text to that; `crate_packing`, `crate_file`, `crate_values`, `crate_layer`: from a crate
* `package`: the layers in a `.usdz`
* `asset_path`, `expression`: from an asset path to places; `timing`, `clips`: which frames and clips the job needs
* `prims`, `findings`: from what a layer says to findings; `reader`: the formats
"""
