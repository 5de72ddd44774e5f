//! Budgets: BUDGET-1, BUDGET-2, BUDGET-3, BUDGET-4, BUDGET-6, and the levels of their nodes.

mod asks;
mod freeze;
mod one_node;
mod resizes;
mod waiters;

use std::sync::{Arc, Mutex};

use plimsoll_loom::budget::{
    Asker, Duties, Node, PercentWatermarks, Refused, release, try_reserve,
};
use plimsoll_loom::{Edge, Level};

const NONE: PercentWatermarks = PercentWatermarks::none();

/// A root with two leaves, and the edges that were handed out, by node.
struct Tree {
    /// Two leaves and the root.
    nodes: [Node; 3],
    edges: Mutex<Vec<(usize, Edge)>>,
}

const ROOT: usize = 2;

impl Tree {
    fn new(leaf: Node, other: Node, root: Node) -> Arc<Self> {
        Arc::new(Self { nodes: [leaf, other, root], edges: Mutex::default() })
    }

    fn path(&self, leaf: usize) -> impl Iterator<Item = &Node> + Clone {
        [&self.nodes[leaf], &self.nodes[ROOT]].into_iter()
    }

    fn reserve(&self, leaf: usize, amount: u64) -> Result<(), Refused> {
        self.reserve_as(Asker::Newcomer, leaf, amount)
    }

    fn reserve_as(&self, asker: Asker, leaf: usize, amount: u64) -> Result<(), Refused> {
        match try_reserve(self.path(leaf), amount, asker) {
            Ok(duties) => self.serve(leaf, duties),
            Err(refused) => {
                self.serve(leaf, refused.duties);
                return Err(refused);
            }
        }
        Ok(())
    }

    /// Returns whether the leaf, and the root, have waiters.
    fn release(&self, leaf: usize, amount: u64) -> [bool; 2] {
        let duties = release(self.path(leaf), amount).unwrap();
        self.serve(leaf, duties);
        [0, 1].map(|place| duties.has_waiters(place))
    }

    fn serve(&self, leaf: usize, duties: Duties) {
        for place in duties.edges() {
            self.settle([leaf, ROOT][place]);
        }
    }

    fn settle(&self, node: usize) {
        if let Some(edge) = self.nodes[node].settle() {
            self.edges.lock().unwrap().push((node, edge));
        }
    }

    /// With all threads done: the usage is what was kept, no edge is missing, and none was made that is
    /// not in order.
    fn assert_at_rest(&self, usage: [u64; 3]) {
        let mut edges = self.edges.lock().unwrap().clone();
        edges.sort_by_key(|(node, edge)| (*node, edge.sequence()));
        for (index, node) in self.nodes.iter().enumerate() {
            assert_eq!(node.usage(), usage[index], "BUDGET-2");
            let mut level = Level::Normal;
            let of_node = edges.iter().filter(|(of, _)| *of == index);
            for ((_, edge), sequence) in of_node.zip(1..) {
                assert_eq!((edge.sequence(), edge.from()), (sequence, level), "GAUGE-3");
                assert_ne!(edge.to(), level, "GAUGE-3");
                assert!(edge.peak() >= edge.depth());
                level = edge.to();
            }
            assert_eq!(level, node.level(), "GAUGE-4: no edge is missing");
            assert!(node.settle().is_none(), "GAUGE-4: no edge is due");
            let reading = node.reading();
            assert_eq!((reading.usage, reading.level), (usage[index], level));
            assert!(reading.usage <= reading.high_water, "GAUGE-5");
        }
    }

    fn edges_of(&self, node: usize) -> usize {
        self.edges.lock().unwrap().iter().filter(|(of, _)| *of == node).count()
    }
}
