"""The kinds of cells: what one run is made of, and how a block of them is computed.

    online      online SGD on Gaussian tasks, simulated or by the equations
    grading     how well difficulty scores find the true difficulty
    images/     networks on real images, in one pass (online) or several epochs (ranking)
    tickets/    pruning and retraining, online or on images
    finite      many epochs over a fixed set of examples: drawn, parities or images, in any order
    consolidation   easy and hard examples fitted one after the other, with an elastic pull

A kind is a frozen dataclass that satisfies `studies.cell.Cell`. Cells never import the engine.
"""
